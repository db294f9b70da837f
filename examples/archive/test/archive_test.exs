# SPDX-License-Identifier: Apache-2.0
defmodule ArchiveTest do
  use ExUnit.Case

  test "what was put comes back, also after a node was killed" do
    text = String.duplicate("all work and no play ", 10_000)
    assert {210_000, packed} = Archive.put(:book, text)
    assert packed < 1_000
    [%{os_pid: pid, node: node} | _] = :flitch_node.info(:zstd)
    :net_kernel.monitor_nodes(true)
    {_, 0} = System.cmd("sh", ["-c", "kill -KILL #{pid}"])
    assert_receive {:nodedown, ^node}, 30_000
    assert_receive {:nodeup, ^node}, 30_000
    assert :ok = :flitch_node.await(:zstd, 30_000)
    assert Archive.get(:book) == text
    assert Archive.get(:nothing) == nil
  end
end
