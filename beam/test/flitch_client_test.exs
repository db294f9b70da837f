# SPDX-License-Identifier: Apache-2.0
# Client modules of Elixir: compiled without a warning, called, typed, documented.
defmodule FlitchClientTest do
  use ExUnit.Case
  import ExUnit.CaptureIO

  @build System.fetch_env!("FL_BUILD")

  setup do
    dir = Path.join(System.tmp_dir!(), "flitch_#{System.pid()}_#{System.unique_integer([:positive])}")
    File.mkdir_p!(dir)
    on_exit(fn -> File.rm_rf!(dir) end)
    {:ok, dir: dir}
  end

  defp write(dir, so, file) do
    :ok =
      :flitch_client.write(%{
        from: Path.join(@build, so),
        to: dir,
        format: :elixir,
        exe: System.fetch_env!("FL_FLITCH")
      })

    Path.join(dir, file)
  end

  defp written(dir, so, file) do
    path = write(dir, so, file)

    warnings =
      capture_io(:stderr, fn ->
        send(self(), {:modules, Code.compile_file(path)})
      end)

    assert warnings == ""
    assert_received {:modules, [{module, code}]}
    {module, code, path}
  end

  test "calls with the types of the server", %{dir: dir} do
    {counter, code, path} = written(dir, "examples/counter.so", "counter_client.ex")
    {typed, _, _} = written(dir, "tests/servers/typed.so", "typed_client.ex")

    start_supervised!(
      {:flitch_node,
       name: :typed,
       exe: System.fetch_env!("FL_FLITCH"),
       start_timeout: 30_000,
       load: [Path.join(@build, "examples/counter.so"), Path.join(@build, "tests/servers/typed.so")]}
    )

    [node] = :flitch_node.nodes(:typed)
    assert 5 == counter.add(node, 5)
    assert 5 == counter.get({:counter, node}, 1000)
    assert :ok == counter.reset(node)
    assert {:put, :"a b", []} == typed.put(node, :"a b", [])
    assert {:options, %{name: "x"}} == typed.options(node, %{name: "x"})

    {:ok, specs} = Code.Typespec.fetch_specs(code)
    names = for {name, _} <- specs, do: name
    assert [add: 2, add: 3, echo: 2, echo: 3, get: 1, get: 2, reset: 1] == Enum.sort(names)
    assert File.read!(path) =~ ~s(@doc "Adds to the total, and tells it.")
  end

  test "a text is a text, whatever is in it", %{dir: dir} do
    path = write(dir, "tests/servers/typed.so", "typed_client.ex")
    assert File.read!(path) =~ ~S(@moduledoc "Says \"\#{1}\" \\ and more.")
  end
end
