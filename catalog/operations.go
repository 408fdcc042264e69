// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"fmt"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

const (
	tableOperations  = "operations"
	operationColumns = "operation\tfacts"

	typicalName = 72 // bytes, a little more than the mean
)

// operations are parallel lists, in the order of the keys. The names are parsed when they
// are asked for: most runs ask for a few of them.
type operations struct {
	names []string
	keys  []string
	facts []operationFacts
	index hashIndex
}

type operationFacts struct {
	plane   mivet.Plane
	basis   Basis
	origins Origins
}

// Basis says why the plane of an operation is taken to be what it is.
type Basis uint8

// The bases, from none to the firmest.
const (
	// BasisNone: no source says; the plane is unknown.
	BasisNone Basis = iota
	// BasisBoth: built-in roles hold the same text as an action and as a data action, so
	// that the name alone decides nothing; the plane is unknown and a question must say
	// which one it means.
	BasisBoth
	// BasisServed: Resource Manager serves it over REST (iann0036/iam-dataset
	// azure/map.json), which makes it a control action. A service may use the same text
	// for a data action that no role and no map shows.
	BasisServed
	// BasisPublished: a built-in role holds the text as an action or as a data action, or
	// the REST map marks it as a data action.
	BasisPublished
)

var basisNames = [...]string{"none", "both", "served", "published"}

// String returns the basis in one word.
func (b Basis) String() string {
	if int(b) < len(basisNames) {
		return basisNames[b]
	}
	return "invalid"
}

// Origins says where the name of an operation was seen. It is a set of bits.
type Origins uint8

// The origins. A name whose only origin is OriginDerived is plausible, not confirmed.
const (
	OriginRole       Origins = 1 << iota // written out in a built-in role
	OriginREST                           // an action of the REST map of Resource Manager
	OriginPrivileged                     // in the list of privileged operations
	OriginSeen                           // used in public documentation and policies
	OriginDerived                        // made of a resource type and read, write or delete
)

// The letters of the table, in the order of the bits, and the words for people.
const originLetters = "rmpsy"

var originNames = [...]string{"role", "REST map", "privileged list", "seen", "derived"}

// Has reports whether all of the given origins are there.
func (o Origins) Has(all Origins) bool { return o&all == all }

// String returns the origins as a list of words.
func (o Origins) String() string {
	var words []string
	for i, name := range originNames {
		if o.Has(1 << i) {
			words = append(words, name)
		}
	}
	return strings.Join(words, ", ")
}

// NumOperations returns how many operations are known. It is not the number of those
// that exist: Azure's own list (`az provider operation list`) is not part of the data.
// The table is derived from built-in roles, the REST map and the list of privileged
// operations, from public text, and from the names of resource types. One of its names
// holds a placeholder, "{operationName}"; a text of some built-in roles that ends in a
// slash names no operation and is not among them.
func (c *Catalog) NumOperations() int { return len(c.operations.names) }

// Operation returns the operation of a number from 0 to NumOperations()-1; the numbers
// follow the order of the keys. Another number gives the zero Operation.
func (c *Catalog) Operation(i int) arm.Operation {
	if i < 0 || i >= len(c.operations.names) {
		return arm.Operation{}
	}
	op, err := arm.ParseOperation(c.operations.names[i])
	if err != nil {
		return arm.Operation{} // checkName lets no such name in; a test parses all
	}
	return op
}

// FindOperation returns the number of an operation, whatever its case. An operation that
// is not found may exist all the same.
func (c *Catalog) FindOperation(op arm.Operation) (i int, ok bool) {
	return c.operations.index.find(c.operations.keys, string(op.Key()))
}

// Plane returns the plane of the operation of that number and what says so. The plane is
// unknown with [BasisNone], [BasisBoth], and for a number that names no operation.
func (c *Catalog) Plane(i int) (mivet.Plane, Basis) {
	if i < 0 || i >= len(c.operations.facts) {
		return mivet.PlaneUnknown, BasisNone
	}
	f := c.operations.facts[i]
	return f.plane, f.basis
}

// Origins returns where the operation of that number was seen; 0 for a number that names
// no operation.
func (c *Catalog) Origins(i int) Origins {
	if i < 0 || i >= len(c.operations.facts) {
		return 0
	}
	return c.operations.facts[i].origins
}

func (c *Catalog) readOperations(r *reader) error {
	ops := &c.operations
	var keys folder
	err := r.lines(tableOperations, operationColumns, func(rows int) {
		keys.room.Grow(rows * typicalName)
		ops.names = make([]string, 0, rows)
		ops.keys = make([]string, 0, rows)
		ops.facts = make([]operationFacts, 0, rows)
	}, func(line string) error {
		name, letters, ok := strings.Cut(line, "\t")
		if !ok {
			return fmt.Errorf("%q, expected an operation and facts", line)
		}
		if err := checkName(name); err != nil {
			return err
		}
		facts, err := parseFacts(letters)
		if err != nil {
			return fmt.Errorf("facts of %s: %w", name, err)
		}
		key := keys.fold(name)
		if last := len(ops.keys) - 1; last >= 0 && key <= ops.keys[last] {
			return fmt.Errorf("%s is there twice or out of order", name)
		}
		ops.names = append(ops.names, name)
		ops.keys = append(ops.keys, key)
		ops.facts = append(ops.facts, facts)
		return nil
	})
	ops.index = newHashIndex(ops.keys)
	return err
}

// checkName does cheaply what parsing the operation would do, and asks for printable ASCII.
func checkName(name string) error {
	segment := 0 // length of the one that is read
	slashes := 0
	for i := range len(name) {
		switch b := name[i]; {
		case b == '/' && segment > 0:
			slashes++
			segment = 0
		case b <= ' ' || b >= 0x7f || b == '*' || b == '/':
			return fmt.Errorf("operation %q: unexpected %q at byte %d", name, b, i)
		default:
			segment++
		}
	}
	if segment == 0 || slashes == 0 || len(name) > arm.MaxOperationLength {
		return fmt.Errorf("operation %q does not have the form Provider/type/verb", name)
	}
	return nil
}

// parseFacts reads "0ms": first what the data says of the plane (0 control, 1 data,
// 2 both, ? nothing), then a letter per origin.
func parseFacts(s string) (operationFacts, error) {
	if s == "" {
		return operationFacts{}, fmt.Errorf("%q, expected a plane and origins", s)
	}
	var f operationFacts
	for i := 1; i < len(s); i++ {
		bit := strings.IndexByte(originLetters, s[i])
		if bit < 0 {
			return f, fmt.Errorf("origin %q, expected one of %s", s[i], originLetters)
		}
		f.origins |= 1 << bit
	}
	switch s[0] {
	case '0':
		f.plane, f.basis = mivet.PlaneControl, BasisPublished
	case '1':
		f.plane, f.basis = mivet.PlaneData, BasisPublished
	case '2':
		f.basis = BasisBoth
	case '?':
		if f.origins.Has(OriginREST) {
			f.plane, f.basis = mivet.PlaneControl, BasisServed
		}
	default:
		return f, fmt.Errorf("plane %q, expected 0, 1, 2 or ?", s[0])
	}
	return f, nil
}
