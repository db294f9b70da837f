# SPDX-License-Identifier: Apache-2.0
defmodule FlitchBeam.MixProject do
  use Mix.Project

  def project do
    [
      app: :flitch_beam,
      version: "0.1.0",
      language: :erlang,
      erlc_options: [:debug_info, :warnings_as_errors],
      deps: []
    ]
  end

  def application, do: [extra_applications: []]
end
