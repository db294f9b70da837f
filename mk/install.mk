# SPDX-License-Identifier: Apache-2.0
# Installation: binary, both libraries, headers, pkg-config file.
