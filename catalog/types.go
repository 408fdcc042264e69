// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"fmt"
	"strings"

	"github.com/mivet/mivet/arm"
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

// ResourceType returns what is known of a type, in any case; ok is false where nothing is.
func (c *Catalog) ResourceType(name string) (t ResourceType, ok bool) {
	t, ok = c.types[foldName(name)]
	return t, ok
}

// NumResourceTypes returns how many types are known.
func (c *Catalog) NumResourceTypes() int { return len(c.types) }

func (c *Catalog) readTypes(r *reader) error {
	return r.table(tableTypes, typeColumns, func(rows int) {
		c.types = make(map[arm.Key]ResourceType, rows)
	}, func(f []string) error {
		t := ResourceType{Name: f[0], Latest: f[1], LatestStable: f[2], Functions: list(f[5])}
		for _, letter := range f[3] {
			switch letter {
			case 'i':
				t.Identity = true
			case 's':
				t.System = true
			case 'u':
				t.User = true
			default:
				return fmt.Errorf("identity %q of %s, expected letters of isu", f[3], f[0])
			}
		}
		if f[4] != "" {
			t.IdentityTypes = strings.Split(f[4], "|")
		}
		key := arm.Fold(f[0])
		if _, ok := c.types[key]; ok {
			return fmt.Errorf("%s is there twice", f[0])
		}
		c.types[key] = t
		return nil
	})
}
