// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

//go:embed data/*.zst data/manifest.json
var embedded embed.FS

// Catalog is what Azure defines, as of the dates of its tables. It is not changed after
// it was read and may be used by many goroutines. What its methods return belongs to it
// and must not be changed.
type Catalog struct {
	tables []Table

	roles      []mivet.RoleDefinition
	privileged []bool // by the index of roles
	roleIDs    map[mivet.RoleID]int32
	roleNames  map[arm.Key]int32

	operations operations

	bypasses []KeyBypass
	switches map[arm.Key][]AuthSwitch
	types    resourceTypes
	requests []requestRule

	directory      []DirectoryRole
	directoryIDs   map[arm.Key]int32
	directoryNames map[arm.Key]int32
	appRoles       []AppRole
	dangerous      []DangerousAppRole
	hsmRoles       []mivet.LocalRole

	frameworks  []Framework
	classes     []FindingClass
	successions []Succession
}

// Open reads the catalogue that is embedded in the program. It takes some milliseconds:
// read it once and keep it. An error means that the program was built from damaged data.
func Open() (*Catalog, error) {
	data, err := fs.Sub(embedded, "data")
	if err != nil {
		return nil, fmt.Errorf("opening the embedded catalogue: %w", err)
	}
	return Read(data)
}

// Read reads a catalogue from a folder that holds a manifest and the tables it lists, as
// internal/catalogen writes them. A missing table, a checksum or a number of rows that
// differs from the manifest's, and a row that cannot be read are errors with their place.
func Read(fsys fs.FS) (*Catalog, error) {
	tables, err := readManifest(fsys)
	if err != nil {
		return nil, err
	}
	r, err := newReader(fsys, tables)
	if err != nil {
		return nil, err
	}
	defer r.zstd.Close()
	c := &Catalog{tables: tables}
	for _, read := range []func(*reader) error{
		c.readRoles, c.readOperations, c.readBypasses, c.readSwitches, c.readTypes, c.readRequests,
		c.readDirectoryRoles, c.readAppRoles, c.readDangerous, c.readHSMRoles,
		c.readFrameworks, c.readClasses, c.readSuccessions,
	} {
		if err := read(r); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Tables returns the manifest: one entry per table, with its sources.
func (c *Catalog) Tables() []Table { return c.tables }

// Date returns the day of the built-in roles, as 2006-01-02: the day on which most
// answers rest. Other tables have dates of their own.
func (c *Catalog) Date() string {
	if i := slices.IndexFunc(c.tables, func(t Table) bool { return t.Name == tableRoles }); i >= 0 {
		return c.tables[i].Date()
	}
	return ""
}

// unique records the index of a row under its key and refuses a second one.
func unique[K comparable](index map[K]int32, key K, i int, what string) error {
	if _, ok := index[key]; ok {
		return fmt.Errorf("%s is there twice", what)
	}
	index[key] = int32(i)
	return nil
}

// at returns the row that an index names, or nil.
func at[K comparable, T any](rows []T, index map[K]int32, key K) *T {
	if i, ok := index[key]; ok {
		return &rows[i]
	}
	return nil
}
