# SPDX-License-Identifier: Apache-2.0
# Argon2id on a C node beside what OTP has for passwords, PBKDF2 of crypto with OWASP's costs: four
# logins at once. Late: how much later than asked a process of this VM ran meanwhile.
defmodule Bench do
  @rounds 10

  def run(node) do
    IO.puts("what                                 hashes/s     p50 ms     p99 ms  late p99 ms")
    salt = :crypto.strong_rand_bytes(16)
    row("crypto:pbkdf2_hmac sha512 210,000", fn -> :crypto.pbkdf2_hmac(:sha512, "secret", salt, 210_000, 32) end)
    row("flitch argon2id 19 MiB, 2", fn -> {:ok, _} = Argon2Client.hash(node, "secret", 60_000) end)
    row("flitch argon2id 64 MiB, 3", fn -> {:ok, _} = Argon2Client.hash_with(node, "secret", 3, 65_536, 1, 60_000) end)
  end

  defp row(what, fun) do
    m = Load.measure(@rounds, fun)

    [
      String.pad_trailing(what, 35),
      Load.number(Load.callers() * @rounds * 1_000_000 / m.total, 10, 1),
      Load.number(m.p50 / 1000, 11, 1),
      Load.number(m.p99 / 1000, 11, 1),
      Load.number(m.late / 1000, 13, 2)
    ]
    |> IO.puts()
  end
end

Bench.run(Load.node_with(:argon2))
System.halt(0)
