// SPDX-License-Identifier: Apache-2.0

package clickhouse

import (
	"fmt"
	"strings"
)

// column is a column of a table or a view.
type column struct{ name, typ string }

// entryColumns are those of the table of entries: where an entry was read, what it says,
// and what puts it together with others.
var entryColumns = []column{
	{"source", "String"},
	{"hour", "DateTime"},
	{"read", "Int64"},
	{"line", "UInt64"},
	// digest is that of the line; lines with the same one are one entry. together is equal
	// where entries tell of one call, and the digest where an entry stands alone.
	{"digest", "UInt64"},
	{"together", "UInt64"},
	// used says that the entry is the use of a right, came that it tells where a principal
	// came from.
	{"used", "UInt8"},
	{"came", "UInt8"},
	{"principal", "String"},
	{"app", "String"},
	{"log", "String"},
	{"action", "String"},
	{"plane", "String"},
	{"scope", "String"},
	{"day", "Int32"},
	{"outcome", "UInt8"},
	{"count", "Int64"},
	{"first", "Int64"},
	{"last", "Int64"},
	{"client", "String"},
	{"host", "String"},
	{"credential", "String"},
	{"caller", "String"},
	{"agent", "String"},
	{"category", "String"},
	{"resource", "String"},
	{"reason", "String"},
	{"operation", "String"},
}

// sourceColumns are those of the table of files. A row says that a reading of a file is
// complete: entries of a reading without one do not count. Each shard has a row, that of
// its slot.
var sourceColumns = []column{
	{"source", "String"}, {"hour", "DateTime"}, {"read", "Int64"}, {"size", "Int64"}, {"modified", "Int64"}, {"unfinished", "UInt8"}, {"faults", "Int64"}, {"slot", "UInt64"},
}

// newest keeps to the last complete reading of each file. It is asked on each shard of that
// shard's own table.
const newest = "(source, read) IN (SELECT source, max(read) FROM {db}.sources_local GROUP BY source)"

// A view is a query that each shard answers from its own entries. Lines that are equal, and
// entries of one call, are on one shard: the answers of all shards add up.
type view struct {
	name    string
	columns []column
	query   string
}

var views = []view{
	{
		name: "facts",
		columns: []column{
			{"principal", "String"},
			{"app", "String"},
			{"log", "String"},
			{"action", "String"},
			{"plane", "String"},
			{"scope", "String"},
			{"day", "Int32"},
			{"granted", "Int64"},
			{"refused", "Int64"},
			{"undecided", "Int64"},
			{"first", "Int64"},
			{"last", "Int64"},
		},
		query: `SELECT principal, app, log, action, plane, scope, day,
  sum(if(best = 1, times, 0)) AS granted, sum(if(best = 2, times, 0)) AS refused, sum(if(best = 0, times, 0)) AS undecided, min(begins) AS first, max(ends) AS last
FROM (
  SELECT principal, app, log, action, plane, scope, day, together, max(outcome) AS best, any(count) AS times, min(first) AS begins, max(last) AS ends
  FROM {db}.entries_local WHERE used = 1 AND ` + newest + `
  GROUP BY principal, app, log, action, plane, scope, day, together
) GROUP BY principal, app, log, action, plane, scope, day`,
	},
	{
		name: "origins",
		columns: []column{
			{"principal", "String"},
			{"app", "String"},
			{"client", "String"},
			{"host", "String"},
			{"credential", "String"},
			{"caller", "String"},
			{"agent", "String"},
			{"granted", "Int64"},
			{"refused", "Int64"},
			{"undecided", "Int64"},
			{"first", "Int64"},
			{"last", "Int64"},
		},
		query: `SELECT principal, app, client, host, credential, caller, agent,
  sum(if(best = 1, times, 0)) AS granted, sum(if(best = 2, times, 0)) AS refused, sum(if(best = 0, times, 0)) AS undecided, min(begins) AS first, max(ends) AS last
FROM (
  SELECT principal, app, client, host, credential, caller, agent, digest, max(outcome) AS best, any(count) AS times, min(first) AS begins, max(last) AS ends
  FROM {db}.entries_local WHERE came = 1 AND ` + newest + `
  GROUP BY principal, app, client, host, credential, caller, agent, digest
) GROUP BY principal, app, client, host, credential, caller, agent`,
	},
	{
		name: "seen",
		columns: []column{
			{"log", "String"}, {"category", "String"}, {"resource", "String"}, {"entries", "UInt64"}, {"lines", "UInt64"}, {"begins", "Int32"}, {"ends", "Int32"},
		},
		query: `SELECT log, category, resource, uniqExact(digest) AS entries, count() AS lines, min(toInt32(if(day = {noday}, {lastday}, day))) AS begins, max(day) AS ends
FROM {db}.entries_local WHERE ` + newest + `
GROUP BY log, category, resource`,
	},
	{
		name: "unmapped",
		columns: []column{
			{"log", "String"}, {"category", "String"}, {"reason", "String"}, {"operation", "String"}, {"entries", "UInt64"},
		},
		query: `SELECT log, category, reason, operation, uniqExact(digest) AS entries
FROM {db}.entries_local WHERE used = 0 AND ` + newest + `
GROUP BY log, category, reason, operation`,
	},
}

// The ends of a day number and of a time, for what has none.
const (
	noDay   = "-2147483648"
	lastDay = "2147483647"
)

// Schema returns the statements that make the tables on one server. On a cluster they are
// run on each of its servers. They leave what exists as it is.
func (a *Address) Schema() []string {
	out := []string{
		"CREATE TABLE IF NOT EXISTS {db}.entries_local (" + declare(entryColumns) + ") ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(hour) ORDER BY (principal, app, source, read, line)",
		"CREATE TABLE IF NOT EXISTS {db}.sources_local (" + declare(sourceColumns) + ") ENGINE = ReplacingMergeTree(read) ORDER BY (source, slot)",
	}
	for _, v := range views {
		out = append(out, "CREATE VIEW IF NOT EXISTS {db}."+v.name+"_local AS "+v.query)
	}
	if a.Cluster != "" {
		spread := func(name, columns, key string) {
			out = append(out, "CREATE TABLE IF NOT EXISTS {db}."+name+" ("+columns+") ENGINE = Distributed({cluster}, {db}, "+name+"_local"+key+")")
		}
		spread("entries", declare(entryColumns), ", together")
		spread("sources", declare(sourceColumns), ", slot")
		for _, v := range views {
			spread(v.name, declare(v.columns), "")
		}
	}
	for i := range out {
		out[i] = a.fill(out[i])
	}
	return out
}

// Tidy returns the statement that removes entries of earlier readings from one server. They
// do not count, and take space.
func (a *Address) Tidy() string {
	return a.fill("ALTER TABLE {db}.entries_local DELETE WHERE NOT (" + newest + ")")
}

// fill puts the names into a statement.
func (a *Address) fill(sql string) string {
	return strings.NewReplacer("{db}", a.Database, "{cluster}", a.Cluster, "{noday}", noDay, "{lastday}", lastDay).Replace(sql)
}

// table is the name under which a table is asked: that over all shards, or the server's own.
func (a *Address) table(name string) string {
	if a.Cluster == "" {
		name += "_local"
	}
	return a.Database + "." + name
}

func declare(columns []column) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = c.name + " " + c.typ
	}
	return strings.Join(parts, ", ")
}

func names(columns []column) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = c.name
	}
	return strings.Join(parts, ", ")
}

// insert is the statement whose body are rows.
func (a *Address) insert(table string, columns []column) string {
	return fmt.Sprintf("INSERT INTO %s (%s) FORMAT TabSeparated", a.table(table), names(columns))
}
