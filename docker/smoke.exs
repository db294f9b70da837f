# SPDX-License-Identifier: Apache-2.0
# What each BEAM node of the smoke test does: connect to the C node, call its counter, monitor it.

[name] = System.argv()
node = String.to_atom(name)

connect = fn connect, tries ->
  cond do
    Node.connect(node) == true -> :ok
    tries == 0 -> :never
    true -> Process.sleep(200) && connect.(connect, tries - 1)
  end
end

:ok = connect.(connect, 100)
counter = {:counter, node}
ref = Process.monitor(counter)
before = GenServer.call(counter, :get)
# The other BEAM node adds as well: what is certain is that ours is in it.
true = GenServer.call(counter, {:add, 1}) > before
%{from: me} = GenServer.call(counter, {:echo, %{from: self()}})
true = me == self()
true = Process.demonitor(ref, [:flush, :info])
IO.puts("smoke: #{node()} called #{name}: ok")
