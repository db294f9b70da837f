# SPDX-License-Identifier: Apache-2.0
# Budgets: a function 60 lines and 5 parameters, a file 600 lines, a header 400. The layout of
# clang-format makes this possible without a parser: a function's body opens with "{" and closes with
# "}" in the first column, and its head is what stands since the last blank line, ";" or "}".

function breach(line, text) { printf "%s:%d: %s\n", file, line, text }

function count_parameters(head,    i, c, depth, count) {
	if (head ~ /\([ \t]*(void)?[ \t]*\)[^)]*$/) return 0
	count = 1
	for (i = index(head, "("); i <= length(head); i++) {
		c = substr(head, i, 1)
		if (c == "(") depth++
		else if (c == ")") { if (--depth == 0) break }
		else if (c == "," && depth == 1) count++
	}
	return count
}

function end_of_file() {
	if (file == "") return
	if (file ~ /\.h$/ && lines > 400) breach(lines, "a header of " lines " lines (400)")
	if (file ~ /\.c$/ && lines > 600) breach(lines, "a file of " lines " lines (600)")
}

FNR == 1 { end_of_file(); file = FILENAME; head = ""; body = 0 }
{ lines = FNR }

/^\{/ && !body && head ~ /\(/ {
	body = FNR
	parameters = count_parameters(head)
	if (parameters > 5) breach(FNR, "a function of " parameters " parameters (5)")
	next
}
/^\}/ {
	if (body && FNR - body - 1 > 60) breach(body, "a function of " FNR - body - 1 " lines (60)")
	body = 0
	head = ""
	next
}
body { next }
/^[ \t]*$/ || /^#/ || /^[ \t]*(\/\*|\*)/ || /;[ \t]*(\/\*.*)?$/ { head = ""; next }
{ head = head " " $0 }

END { end_of_file() }
