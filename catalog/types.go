// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"fmt"
	"iter"
	"strings"
)

const (
	tableTypes  = "resource-types"
	typeColumns = "type\tlatest\tlatestStable\tcarries\tidentityTypes\tfunctions"
)

// ResourceType is a type of resource as its published schema has it
// (Azure/bicep-types-az generated/**/types.json).
type ResourceType struct {
	// Name is the type in the schema's letters, such as "Microsoft.Web/sites".
	Name string
	// Latest and LatestStable are API versions; Latest may be a preview, LatestStable is
	// empty where there are only previews.
	Latest, LatestStable string
	// Identity is true where the schema has an identity. System and User say whether that
	// identity has what a system-assigned and a user-assigned one have.
	Identity, System, User bool
	// IdentityTypes are the values that the schema lists for the identity's type, without
	// blanks, such as "SystemAssigned,UserAssigned". Some schemas list none, and for some
	// types the list and System or User disagree: the schema contradicts itself.
	IdentityTypes []string
	// Functions are the actions that the schema lists, such as "listKeys".
	Functions []string
}

// resourceTypes are lines of the table, in the order of keys. A line is read when it is
// asked for: there are thousands, and a run asks for a few.
type resourceTypes struct {
	keys  []string
	lines []string
	index hashIndex
}

// ResourceType returns what is known of a type, in any case; ok is false where nothing is.
func (c *Catalog) ResourceType(name string) (t ResourceType, ok bool) {
	i, ok := c.types.index.find(c.types.keys, string(foldName(name)))
	if !ok {
		return ResourceType{}, false
	}
	return parseType(c.types.lines[i]), true
}

// ResourceTypes returns all known types, in the order of their keys.
func (c *Catalog) ResourceTypes() iter.Seq[ResourceType] {
	return func(yield func(ResourceType) bool) {
		for _, line := range c.types.lines {
			if !yield(parseType(line)) {
				return
			}
		}
	}
}

// NumResourceTypes returns how many types are known.
func (c *Catalog) NumResourceTypes() int { return len(c.types.lines) }

const typeFields = 6

// parseType reads a line that checkType let in.
func parseType(line string) ResourceType {
	f := splitFields(make([]string, 0, typeFields), line)
	t := ResourceType{
		Name: f[0], Latest: f[1], LatestStable: f[2], Functions: list(f[5]),
		Identity: strings.Contains(f[3], "i"), System: strings.Contains(f[3], "s"), User: strings.Contains(f[3], "u"),
	}
	if f[4] != "" {
		t.IdentityTypes = strings.Split(f[4], "|")
	}
	return t
}

func checkType(line string) error {
	if n := strings.Count(line, "\t") + 1; n != typeFields {
		return fmt.Errorf("%d fields, expected %d", n, typeFields)
	}
	f := strings.SplitN(line, "\t", 5)
	if strings.Trim(f[3], "isu") != "" {
		return fmt.Errorf("identity %q of %s, expected letters of isu", f[3], f[0])
	}
	return nil
}

func (c *Catalog) readTypes(r *reader) error {
	x := &c.types
	var keys folder
	err := r.lines(tableTypes, typeColumns, func(rows int) {
		keys.room.Grow(rows * typicalName)
		x.keys = make([]string, 0, rows)
		x.lines = make([]string, 0, rows)
	}, func(line string) error {
		if err := checkType(line); err != nil {
			return err
		}
		name, _, _ := strings.Cut(line, "\t")
		key := keys.fold(name)
		if last := len(x.keys) - 1; last >= 0 && key <= x.keys[last] {
			return fmt.Errorf("%s is there twice or out of order", name)
		}
		x.keys = append(x.keys, key)
		x.lines = append(x.lines, line)
		return nil
	})
	x.index = newHashIndex(x.keys)
	return err
}
