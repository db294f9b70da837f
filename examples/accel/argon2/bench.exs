# SPDX-License-Identifier: Apache-2.0
# Argon2id on a C node beside what OTP has for passwords, PBKDF2 of crypto with OWASP's costs: four
# logins at once. Late: how much later than asked a process of this VM ran meanwhile.
defmodule Bench do
  @callers 4
  @rounds 10

  def run(node) do
    IO.puts("what                                 hashes/s     p50 ms     p99 ms  late p99 ms")
    salt = :crypto.strong_rand_bytes(16)
    row("crypto:pbkdf2_hmac sha512 210,000", fn -> :crypto.pbkdf2_hmac(:sha512, "secret", salt, 210_000, 32) end)
    row("flitch argon2id 19 MiB, 2", fn -> {:ok, _} = Argon2Client.hash(node, "secret", 60_000) end)
    row("flitch argon2id 64 MiB, 3", fn -> {:ok, _} = Argon2Client.hash_with(node, "secret", 3, 65_536, 1, 60_000) end)
  end

  defp row(what, fun) do
    late = spawn_link(fn -> late([]) end)
    start = System.monotonic_time(:microsecond)

    times =
      1..@callers
      |> Enum.map(fn _ -> Task.async(fn -> for(_ <- 1..@rounds, do: elem(:timer.tc(fun), 0)) end) end)
      |> Enum.flat_map(&Task.await(&1, :infinity))
      |> Enum.sort()

    total = System.monotonic_time(:microsecond) - start
    send(late, {:stop, self()})
    lateness = receive do {:late, list} -> Enum.sort(list) end

    [
      String.pad_trailing(what, 35),
      number(@callers * @rounds * 1_000_000 / total, 10, 1),
      number(at(times, 0.5) / 1000, 11, 1),
      number(at(times, 0.99) / 1000, 11, 1),
      number(at(lateness, 0.99) / 1000, 13, 2)
    ]
    |> IO.puts()
  end

  defp number(x, width, decimals), do: String.pad_leading(:erlang.float_to_binary(x / 1, decimals: decimals), width)
  defp at(sorted, part), do: Enum.at(sorted, trunc(part * (length(sorted) - 1)))

  defp late(list) do
    start = System.monotonic_time(:microsecond)

    receive do
      {:stop, from} -> send(from, {:late, [0 | list]})
    after
      1 -> late([System.monotonic_time(:microsecond) - start - 1000 | list])
    end
  end
end

{:ok, _} =
  :flitch_node.start_link(
    name: :argon2,
    exe: System.fetch_env!("FL_FLITCH"),
    log: :none,
    load: [Path.join(System.fetch_env!("FL_BUILD"), "examples/accel/argon2.so")]
  )

Bench.run(:flitch_node.pick(:argon2))
System.halt(0)
