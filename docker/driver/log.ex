# SPDX-License-Identifier: Apache-2.0
# What happened, one event a line, as JSON objects of numbers and short texts.
#
# A line is one write to a file opened for appending, before anything that follows from it: a process or
# a whole VM that is killed loses no line, and several may write to one file. A last line that is cut off
# is no event.
defmodule Lab.Log do
  # Raw files belong to the process that opens them: each has its own.
  def open(run, name) do
    dir = Path.join(root(), run)
    File.mkdir_p!(dir)
    {:ok, file} = :file.open(Path.join(dir, name <> ".jsonl"), [:append, :raw, :binary])
    file
  end

  def root, do: System.get_env("LAB_RESULTS", "/results")

  def put(file, fields), do: :ok = :file.write(file, line(fields))

  def line(fields), do: ["{", Enum.map_intersperse([{:t, now()} | fields], ",", &member/1), "}\n"]

  defp member({key, value}) when is_integer(value), do: [?", "#{key}", "\":", "#{value}"]
  defp member({key, value}), do: [?", "#{key}", "\":\"", plain("#{value}"), ?"]

  # What would need an escape does not occur in what is written; where it does all the same it is lost.
  defp plain(text), do: String.replace(text, ~r/[^ -!#-\[\]-~]/, "?")

  # The wall clock: all nodes of a lab are on one machine.
  def now, do: System.os_time(:millisecond)

  # Events of lines, as maps from texts.
  def parse(lines), do: for(line <- lines, String.ends_with?(line, "}\n"), do: event(line))

  defp event(line) do
    for [_, key | value] <- Regex.scan(~r/"(\w+)":(?:"([^"]*)"|(-?\d+))/, line), into: %{} do
      case value do
        [text] -> {key, text}
        ["", number] -> {key, String.to_integer(number)}
      end
    end
  end

  def read(run) do
    files = Path.wildcard(Path.join([root(), run, "*.jsonl"]))
    for(file <- files, event <- parse(File.stream!(file)), do: event) |> Enum.sort_by(& &1["t"])
  end
end
