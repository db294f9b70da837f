# SPDX-License-Identifier: Apache-2.0
# A lower layer never includes a higher one, and foreign headers stay in the files made for them.

function layer_of(path) {
	if (path ~ /^include\//) return "include"
	if (path ~ /^node\/base\//) return "base"
	if (path ~ /^node\/term\//) return "term"
	if (path ~ /^node\/cmd\//) return "cmd"
	if (path ~ /^(node|dist|pg|cluster|sim)\//) { sub(/\/.*/, "", path); return path }
	return ""
}

function allow(from, list,    n, i, words) {
	n = split(list, words, " ")
	for (i = 1; i <= n; i++) may[from, words[i]] = 1
}

function breach(text) { printf "%s:%d: %s\n", FILENAME, FNR, text }

BEGIN {
	allow("include", "include")
	allow("base", "base include")
	allow("term", "term base include")
	allow("node", "node term base include")
	allow("dist", "dist node term base include")
	allow("pg", "pg node term base include")
	allow("cluster", "cluster pg dist node term base include")
	allow("sim", "sim cluster pg dist node term base include")
	allow("cmd", "cmd cluster pg dist node term base include")
}

FNR == 1 { from = layer_of(FILENAME); name = FILENAME; sub(/.*\//, "", name) }

/^[ \t]*#[ \t]*include/ && from != "" {
	match($0, /["<][^">]*[">]/)
	what = substr($0, RSTART + 1, RLENGTH - 2)
	if (what ~ /^flitch(\/|\.h)/) what = "include/" what
	to = layer_of(what)
	if (to != "" && !((from, to) in may)) breach(from " must not include " to " (" what ")")
	if (to == "" && $0 ~ /"/ && what !~ /\//)
		breach("includes are written from the top of the tree (\"" what "\")")
	if (from == "include" && to == "" && what ~ /^(uv|openssl|libconfig)/)
		breach("a public header must not include <" what ">")
	if (what == "uv.h" && from != "cmd" && name !~ /^(fli_)?(loop|offload|sock|socket)[a-z_]*\.[ch]$/)
		breach("<uv.h> belongs in the loop, the offload pool, the socket file and node/cmd")
	if (what ~ /^openssl\// && name !~ /^(tls|md5|digest|random)[a-z_]*\.[ch]$/)
		breach("OpenSSL belongs in the TLS file and the handshake's digest")
	if (what ~ /^ei(_.*)?\.h$/ && name !~ /^(ei|border)[a-z_]*\.[ch]$/)
		breach("ei.h belongs in the border file")
}
