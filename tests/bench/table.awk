# SPDX-License-Identifier: Apache-2.0
# From figures.txt and lines "figure peer value" to a table in Markdown: the median of each figure
# at each peer, flitch's ratio to the peer that the target names, and whether it is reached.

function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }

function median(key,    n, i, j, list, x) {
	n = count[key]
	if (n == 0) return ""
	for (i = 1; i <= n; i++) list[i] = values[key, i]
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && list[j] < list[j - 1]; j--) {
			x = list[j]; list[j] = list[j - 1]; list[j - 1] = x
		}
	return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

# Three digits that count, with k and M where a rate is large.
function short(v,    unit) {
	if (v == "") return "-"
	unit = ""
	if (v >= 999500) { v /= 1000000; unit = " M" }
	else if (v >= 9995) { v /= 1000; unit = " k" }
	return sprintf(v >= 100 || v == int(v) ? "%.0f%s" : v >= 10 ? "%.1f%s" : "%.2f%s", v, unit)
}

# A condition is ">= 0.6 ceiling", a ratio, or "<= 30", flitch's own value.
function meets(condition, id,    part, n, v, other) {
	n = split(condition, part, " ")
	v = median(id SUBSEP "flitch")
	if (v == "") return 0
	if (n == 3) {
		other = median(id SUBSEP part[3])
		if (other == "" || other == 0) return 0
		v /= other
	}
	return part[1] == ">=" ? v >= part[2] : v <= part[2]
}

function reached(target, id,    part, n, i) {
	if (target == "-") return ""
	n = split(target, part, " or ")
	for (i = 1; i <= n; i++) if (meets(part[i], id)) return "yes"
	return "**no**"
}

# To the first peer that the target names, else to the BEAM.
function ratio(target, id,    words, n, i, against, v, other) {
	against = "beam"
	n = split(target, words, " ")
	for (i = 1; i <= n; i++)
		if (words[i] == "ceiling" || words[i] == "ei") { against = words[i]; break }
	v = median(id SUBSEP "flitch")
	other = median(id SUBSEP against)
	if (v == "" || other == "" || other == 0) return "-"
	return sprintf("%.2f of %s", v / other, title[against])
}

function cell(id, peer) { return short(median(id SUBSEP peer)) }

BEGIN {
	FS = "|"
	title["beam"] = "BEAM"; title["ei"] = "ei"; title["ceiling"] = "ceiling"
	print "| figure | unit | BEAM | ei loop | ceiling | flitch | ratio | target | reached |"
	print "|---|---|--:|--:|--:|--:|--:|---|---|"
}

FILENAME == ARGV[1] {
	split($0, word, " ")
	key = word[1] SUBSEP word[2]
	values[key, ++count[key]] = word[3] + 0
	next
}
/^#/ || NF < 4 { next }
{
	id = trim($1); target = trim($4)
	if (!((id SUBSEP "flitch") in count)) next # a part that was not asked for
	printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", trim($2), trim($3),
		cell(id, "beam"), cell(id, "ei"), cell(id, "ceiling"), cell(id, "flitch"),
		ratio(target, id), target, reached(target, id)
}
