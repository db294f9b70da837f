# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Five seconds of calls, nothing is broken.

traffic 5
