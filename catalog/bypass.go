// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet/arm"
)

const (
	tableBypasses = "key-bypasses"
	bypassColumns = "action\tservice\tresourceType\tkind\tyields\tnote\tclosedOn\tproperty\ttest\tvalue"

	tableSwitches = "auth-switches"
	switchColumns = "type\tproperty\tapiVersion"
)

// KeyBypass is a control action that leads around data-plane roles: it yields a key, a
// password, the right to grant, or code that runs as somebody else. The table is our
// own reading of the services' documentation.
type KeyBypass struct {
	Action arm.Operation
	// Service is the service in words; ResourceType is the type whose resources it
	// concerns.
	Service      string
	ResourceType string
	Kind         BypassKind
	// Yields says what the caller has afterwards, in a few words without a full stop.
	Yields string
	// Note is what else to know; often empty.
	Note string
	// ClosedBy is the setting that closes the way; nil where none does.
	ClosedBy *Closure
}

// BypassKind is the sort of a bypass.
type BypassKind string

// The kinds of bypass.
const (
	BypassKey          BypassKind = "key"          // account keys: the whole data plane
	BypassSASKey       BypassKind = "sasKey"       // keys of a shared access rule, limited by the rule's rights
	BypassSAS          BypassKind = "sas"          // a signed URL
	BypassLocalUser    BypassKind = "localUser"    // a user that the service keeps itself
	BypassAdminUser    BypassKind = "adminUser"    // the service's built-in administrator
	BypassCredential   BypassKind = "credential"   // a certificate, password or profile with one
	BypassToken        BypassKind = "token"        // a token of the service's own
	BypassAccessPolicy BypassKind = "accessPolicy" // an entry in a vault's access list
	BypassNativeRBAC   BypassKind = "nativeRbac"   // a role of the service's own authorization
	BypassAdmin        BypassKind = "admin"        // becomes administrator of the service
	BypassGrant        BypassKind = "grant"        // grants Azure roles
	BypassGuardrail    BypassKind = "guardrail"    // takes away a deny assignment or a lock
	BypassIdentity     BypassKind = "identity"     // acts as a managed identity
	BypassExec         BypassKind = "exec"         // runs code on the resource
	BypassSwitch       BypassKind = "switch"       // turns a closed way on again, or changes what runs
	BypassConfig       BypassKind = "config"       // configuration with secrets in clear
	BypassReadLeak     BypassKind = "readLeak"     // a read action that shows a secret; documented, effect not verified
	BypassRead         BypassKind = "read"         // reads data through Resource Manager
	BypassWrite        BypassKind = "write"        // writes data through Resource Manager
	BypassReference    BypassKind = "reference"    // lets a deployment read secrets
	BypassAvailability BypassKind = "availability" // stops a workload, gives nothing
)

// bypassKinds lists the kinds; a kind that is not here is an error of the data.
var bypassKinds = []BypassKind{
	BypassKey, BypassSASKey, BypassSAS, BypassLocalUser, BypassAdminUser, BypassCredential, BypassToken,
	BypassAccessPolicy, BypassNativeRBAC, BypassAdmin, BypassGrant, BypassGuardrail, BypassIdentity, BypassExec,
	BypassSwitch, BypassConfig, BypassReadLeak, BypassRead, BypassWrite, BypassReference, BypassAvailability,
}

// Closure is the setting that closes a bypass.
type Closure struct {
	// Resource is the type of the resource that holds the property, where it is not the
	// bypass's own; the last segment may list names, as in "…/{scm|ftp}".
	Resource string
	// Property is the path of the property, such as "properties.disableLocalAuth".
	Property string
	// Value is the JSON text that the property must have: true, false or "Disabled". With
	// Absent it is the text that must not be among the property's elements.
	Value  string
	Absent bool
}

// String returns the setting as people write it.
func (c *Closure) String() string {
	op := " = "
	if c.Absent {
		op = " without "
	}
	s := c.Property + op + c.Value
	if c.Resource != "" {
		return c.Resource + " " + s
	}
	return s
}

// KeyBypasses returns all bypasses, ordered by the key of their action.
func (c *Catalog) KeyBypasses() []KeyBypass { return c.bypasses }

// KeyBypass returns what an action leads around, or nil where the table has nothing.
func (c *Catalog) KeyBypass(action arm.Operation) *KeyBypass {
	i, ok := slices.BinarySearchFunc(c.bypasses, action.Key(), func(b KeyBypass, k arm.Key) int {
		return strings.Compare(string(b.Action.Key()), string(k))
	})
	if !ok {
		return nil
	}
	return &c.bypasses[i]
}

func (c *Catalog) readBypasses(r *reader) error {
	last := arm.Key("")
	return r.table(tableBypasses, bypassColumns, func(rows int) {
		c.bypasses = make([]KeyBypass, 0, rows)
	}, func(f []string) error {
		action, err := arm.ParseOperation(f[0])
		if err != nil {
			return err
		}
		if action.Key() <= last {
			return fmt.Errorf("%s is there twice or out of order", f[0])
		}
		last = action.Key()
		b := KeyBypass{Action: action, Service: f[1], ResourceType: f[2], Kind: BypassKind(f[3]), Yields: f[4], Note: f[5]}
		if !slices.Contains(bypassKinds, b.Kind) {
			return fmt.Errorf("kind %q of %s is not known", f[3], f[0])
		}
		if b.ClosedBy, err = closure(f[6:]); err != nil {
			return fmt.Errorf("what closes %s: %w", f[0], err)
		}
		c.bypasses = append(c.bypasses, b)
		return nil
	})
}

// closure reads the fields closedOn, property, test and value.
func closure(f []string) (*Closure, error) {
	if f[1] == "" {
		return nil, nil
	}
	c := &Closure{Resource: f[0], Property: f[1], Value: f[3]}
	switch f[2] {
	case "is":
	case "without":
		c.Absent = true
	default:
		return nil, fmt.Errorf("test %q, expected is or without", f[2])
	}
	return c, nil
}

// AuthSwitch is a property of a resource type that turns keys or local sign-in off, or
// that selects the identity with which a resource reads its secrets.
type AuthSwitch struct {
	// Property is its path, such as "properties.disableLocalAuth".
	Property string
	// APIVersion is the newest version that has it.
	APIVersion string
}

// AuthSwitches returns the switches of a resource type, in any case, ordered by property
// (Azure/bicep-types-az generated/**/types.json). No switch is known for another type.
func (c *Catalog) AuthSwitches(resourceType string) []AuthSwitch {
	return c.switches[foldName(resourceType)]
}

func (c *Catalog) readSwitches(r *reader) error {
	return r.table(tableSwitches, switchColumns, func(rows int) {
		c.switches = make(map[arm.Key][]AuthSwitch, rows)
	}, func(f []string) error {
		key := arm.Fold(f[0])
		c.switches[key] = append(c.switches[key], AuthSwitch{Property: f[1], APIVersion: f[2]})
		return nil
	})
}
