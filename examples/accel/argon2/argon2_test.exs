# SPDX-License-Identifier: Apache-2.0
defmodule Argon2Test do
  use ExUnit.Case

  setup do
    start_supervised!(
      {:flitch_node,
       name: :argon2,
       exe: System.fetch_env!("FL_FLITCH"),
       start_timeout: 30_000,
       load: [Path.join(System.fetch_env!("FL_BUILD"), "examples/accel/argon2.so")]}
    )

    {:ok, node: :flitch_node.pick(:argon2)}
  end

  test "a password fits its own hash alone" do
    encoded = Argon2.hash("correct horse")
    assert String.starts_with?(encoded, "$argon2id$v=19$m=19456,t=2,p=1$")
    assert Argon2.verify?(encoded, "correct horse")
    refute Argon2.verify?(encoded, "correct horsf")
    refute Argon2.verify?(encoded, "")
    refute encoded == Argon2.hash("correct horse")
  end

  # The reference implementation's own test: password, somesalt, 2 passes, 64 MiB, 1 lane.
  test "others' hashes are taken", %{node: node} do
    made = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
    assert {:ok, true} == Argon2Client.verify(node, made, "password", 30_000)
    assert {:ok, false} == Argon2Client.verify(node, made, "passwort", 30_000)
  end

  test "costs of one's own are kept, and have limits", %{node: node} do
    {:ok, encoded} = Argon2Client.hash_with(node, "x", 1, 64, 2)
    assert encoded =~ "$m=64,t=1,p=2$"
    assert {:ok, true} == Argon2Client.verify(node, encoded, "x")
    for {t, m, p} <- [{0, 64, 1}, {65, 64, 1}, {1, 7, 1}, {1, 15, 2}, {1, 524_289, 1}, {1, 1024, 17}, {3, 524_288, 1}, {64, 16_385, 1}] do
      assert {:error, :badarg} == Argon2Client.hash_with(node, "x", t, m, p)
    end

    assert {:error, :too_long} == Argon2Client.hash(node, :binary.copy("x", 1025))
    {:ok, longest} = Argon2Client.hash_with(node, :binary.copy("x", 1024), 1, 64, 1)
    assert {:ok, true} == Argon2Client.verify(node, longest, :binary.copy("x", 1024))
  end

  test "what is no hash is refused before it costs anything", %{node: node} do
    for wrong <- [
          "",
          "plain",
          "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$aaaa",
          "$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$aaaa",
          "$argon2id$v=19$m=64,t=999999999,p=1$c29tZXNhbHQ$aaaa",
          "$argon2id$v=19$m=524288,t=3,p=1$c29tZXNhbHQ$aaaa",
          "$argon2id$v=19$m=64,t=1,p=1$",
          "$argon2id$v=19$m=64,t=1,p=1$!!!!$aaaa",
          "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$\0",
          :binary.copy("$argon2id$", 100)
        ] do
      assert {:error, :bad_hash} == Argon2Client.verify(node, wrong, "x")
    end
  end

  test "a flood is refused, and what was begun is done", %{node: node} do
    answers =
      1..100
      |> Enum.map(fn _ -> Task.async(fn -> Argon2Client.hash(node, "x", 60_000) end) end)
      |> Task.await_many(90_000)

    refused = Enum.count(answers, &(&1 == {:error, :busy}))
    assert Enum.count(answers, &match?({:ok, _}, &1)) == 100 - refused
    # 512 MiB hold 26 of 19 MiB.
    assert 100 - refused >= 26
    assert %{running: 0, waiting: 0, memory_kib: 0, refused: ^refused} = Argon2Client.stats(node)
  end

  test "what nobody waits for is not begun", %{node: node} do
    # Longer than it takes to kill them.
    callers = for _ <- 1..200, do: spawn(fn -> Argon2Client.hash_with(node, "x", 16, 2048, 1, 60_000) end)
    wait_until(fn -> Argon2Client.stats(node).waiting > 100 end)
    for pid <- callers, do: Process.exit(pid, :kill)
    wait_until(fn -> match?(%{running: 0, waiting: 0}, Argon2Client.stats(node)) end)
    assert Argon2Client.stats(node).given_up > 0
  end

  defp wait_until(fun, left \\ 1500) do
    cond do
      fun.() ->
        :ok

      left == 0 ->
        flunk("it did not come true")

      true ->
        Process.sleep(20)
        wait_until(fun, left - 1)
    end
  end
end
