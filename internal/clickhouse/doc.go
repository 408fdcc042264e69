// SPDX-License-Identifier: Apache-2.0

// Package clickhouse keeps log entries in ClickHouse, on one server or on the shards of a
// cluster, and asks it for the facts of package usage.
//
// What an entry means is decided before it gets there, by package logs: the tables hold who
// used which right where, and the SQL only counts. Its tables and its queries keep to what
// releases since 18.16 understand.
//
// It uses the HTTP interface of the server, starts nothing, and reads no files.
package clickhouse
