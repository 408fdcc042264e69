# Coverage gate. Reads the profile that `go test -coverprofile` writes and prints one line per package.
#   strict  names of packages of which every statement must be covered by the package's own tests
#   least   percentage asked of every other package; commands and tools are left out
# Exits 1 when a package falls short. Packages that do not exist yet do not appear in the profile and are not missed.

BEGIN {
	module = "github.com/mivet/mivet"
	n = split(strict, names, " ")
	for (i = 1; i <= n; i++) every[names[i]] = 1
}

NR == 1 { next } # mode: set

# github.com/mivet/mivet/arm/id.go:12.34,15.2 3 1; the same block may come more than once
{
	statements[$1] = $2
	if ($3 > 0) hit[$1] = 1
}

function package(block,    p) {
	p = block
	sub(/\/[^\/]*$/, "", p)
	if (p == module) return "mivet"
	return substr(p, length(module) + 2)
}

END {
	for (b in statements) {
		p = package(b)
		if (p ~ /^(cmd|tools|bench)(\/|$)/) continue
		total[p] += statements[b]
		if (b in hit) covered[p] += statements[b]
		else if (p in every) open[p] = open[p] "\n    not covered: " substr(b, length(module) + 2)
	}
	for (p in total) {
		if (total[p] == 0) continue
		asked = (p in every) ? 100 : least
		short = covered[p] * 100 < asked * total[p]
		if (short) bad = 1
		lines[++rows] = sprintf("%-24s %6.1f %%  of %5d statements, asked %3d %%%s", p, covered[p] * 100 / total[p], total[p], asked, short ? "  TOO LOW" open[p] : "")
	}
	for (i = 2; i <= rows; i++) # insertion sort: awk has none of its own
		for (j = i; j > 1 && lines[j-1] > lines[j]; j--) { t = lines[j]; lines[j] = lines[j-1]; lines[j-1] = t }
	for (i = 1; i <= rows; i++) print lines[i]
	if (rows == 0) { print "coverage: the profile holds no package"; bad = 1 }
	exit bad
}
