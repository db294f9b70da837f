# SPDX-License-Identifier: Apache-2.0
defmodule Archive.Application do
  use Application

  @build System.get_env("FLITCH_BUILD", Path.expand("../../../build", __DIR__))

  def start(_type, _args) do
    :ok = :flitch_node.be_a_node(:"archive_#{System.pid()}@127.0.0.1")

    children = [
      {:flitch_node,
       name: :zstd,
       instances: 2,
       exe: Path.join(@build, "flitch"),
       load: [Path.join(@build, "examples/accel/zstd.so")]},
      Archive
    ]

    Supervisor.start_link(children, strategy: :rest_for_one)
  end
end

defmodule Archive do
  @moduledoc "Keeps texts, packed by the C nodes of this application."
  use Agent

  def start_link(_), do: Agent.start_link(fn -> %{} end, name: __MODULE__)

  def put(name, text) do
    {:ok, packed} = :flitch.call(:zstd, :zstd, {:compress, 3, text})
    Agent.update(__MODULE__, &Map.put(&1, name, packed))
    {byte_size(text), byte_size(packed)}
  end

  def get(name) do
    with packed when packed != nil <- Agent.get(__MODULE__, & &1[name]) do
      {:ok, text} = :flitch.call(:zstd, :zstd, {:decompress, packed})
      text
    end
  end
end
