// SPDX-License-Identifier: Apache-2.0

// Package snapshot is the file format of a tenant: it writes facts as they come and reads
// back those that a question needs.
//
// It writes nothing that did not pass a [Redactor], guesses nothing about what a file
// does not hold, and never returns half a file as if it were whole. It opens no files:
// it takes an [io.ReaderAt] or an [io.Writer].
//
// # The file
//
// A file is a row of independent zstd frames (RFC 8878), so standard tools read it:
//
//	zstd -dc prod.mivet | jq 'select(.kind == "roleAssignment") | .fact.scope'
//
// Each frame holds at most 4 MiB of JSON Lines, each line one record, and all records of
// a frame are of one kind:
//
//	{"kind":"header","format":"mivet-snapshot","version":"1.0","takenAt":…,"tenant":…,"inputs":[…],"tool":…,"keyId":…}
//	{"kind":"origin","origin":1,"fact":{"api":"GET /subscriptions/…"}}
//	{"kind":"roleAssignment","origin":1,"fact":{…}}
//	{"kind":"properties","resource":"/subscriptions/…","fact":{…}}
//	{"kind":"index","of":"roleAssignment","offset":…,"size":…,"bytes":…,"records":…,"first":…,"crc32c":…}
//
// The header comes first, in a frame that is stored and not compressed, so that the
// first bytes tell what the file is. A fact is the JSON form of its type in package
// mivet, without its source: origin is the number of the origin record that says where
// it was read, line the line there. Raw properties of resources lie in frames of their
// own and are read one by one ([File.Properties]); each such frame's index entry has the
// lowest and the highest resource in it.
//
// The index names every frame: its kind, place, compressed and uncompressed size in
// bytes, number of records, the number of the first one among its kind, and the CRC-32C
// of the compressed bytes. Behind the index stands a skippable zstd frame of 40 bytes,
// which says where the index begins. A file without it was cut off.
//
// # Versions
//
// A new minor version adds kinds and fields. A reader that does not know them says so by
// a gap. A new major version changes what is there: older files are converted while they
// are read, newer ones are refused.
package snapshot
