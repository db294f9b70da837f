# SPDX-License-Identifier: Apache-2.0
defmodule Archive.MixProject do
  use Mix.Project

  def project do
    [app: :archive, version: "0.1.0", elixir: "~> 1.14", deps: [{:flitch_beam, path: "../../beam"}]]
  end

  def application, do: [extra_applications: [:logger], mod: {Archive.Application, []}]
end
