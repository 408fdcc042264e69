// SPDX-License-Identifier: Apache-2.0

package armtemplate

import (
	"time"

	"github.com/mivet/mivet/arm"
)

// Options are what an evaluation is told beside the template. All of it may be left out:
// what is not given stays unknown.
type Options struct {
	// Target is where the template is deployed.
	Target Target
	// Parameters are the values given, by name. One that is given wins over its default.
	Parameters map[string]Value
	// Load returns a linked template by its path, which is relative to the folder of the
	// template's own file and has slashes; nil means that there are none. A path that
	// leaves that folder begins with "..". The error is shown to people.
	Load func(path string) ([]byte, error)
	// Now is the time of utcNow; the zero time leaves it unknown.
	Now time.Time
	// Limits bound the work; zero fields have the default.
	Limits Limits
}

// Target is where a template is deployed. Empty fields are not known.
type Target struct {
	Tenant          string // the ID of the directory
	ManagementGroup string // the name
	Subscription    string // the ID
	ResourceGroup   string // the name
	Location        string // of the resource group, or of the deployment above groups
	Deployment      string // the name of the deployment
	Cloud           string // as environment().name has it; empty means AzureCloud, the public one
}

// Limits bound what one evaluation may cost. Resource Manager's own are narrower
// (best-practices.md#template-limits).
type Limits struct {
	Steps     int // calls of functions and values visited; 20 million
	Resources int // 20,000
	Copies    int // iterations of one loop; 10,000
	Depth     int // of deployments within deployments; 20
	Text      int // bytes of one text; 4 MiB
}

// Result is an evaluated template.
type Result struct {
	// Level is the scope that the template is written for: a resource group, a subscription,
	// a management group, or the root, which is the tenant.
	Level arm.Level
	// Resources are all that the template and those below it deploy or refer to as existing,
	// in the order of the templates; a nested deployment stands before what it holds. What
	// has a condition that is false is not among them.
	Resources []*Resource
	// Outputs are those of the template itself, in order.
	Outputs []Output
	// Diagnostics are in the order in which they were found.
	Diagnostics []Diagnostic
}

// Resource is one instance of a resource of a template.
type Resource struct {
	// Symbol is the symbolic name, with the index in a loop: "site[0]"; empty where the
	// template has none.
	Symbol string
	// Type is the resource type without version: "Microsoft.Web/sites/slots".
	Type string
	// APIVersion is the version of the type.
	APIVersion string
	// ID is the resource ID, Name the whole name: "site/slot". Both are a String, an
	// Unknown, or Null where a resource of an extension has none.
	ID, Name Value
	// Existing says that the template only refers to the resource.
	Existing bool
	// Condition is a Bool that is true, or an Unknown.
	Condition Value
	// Body are the members as they would be sent: location, kind, sku, tags, identity,
	// properties and so on. Of a nested deployment the template and the parameters are left out.
	Body *Object
	// DependsOn are the IDs or symbolic names of what is deployed before.
	DependsOn []Value
	// Deployment is the path of the nested deployment that the resource belongs to, by
	// their names: "network/peering"; empty for the template itself.
	Deployment string
	// Pos is the place of the resource in its template.
	Pos Pos
}

// Output is an output of the template. It is left out if its condition is false.
type Output struct {
	Name  string
	Type  string // as declared, in lower case: "string", "securestring", "object"
	Value Value
	Pos   Pos
}

// Severity is how bad a [Diagnostic] is.
type Severity uint8

// The severities.
const (
	// Incomplete means that something is not known that the files could have told: a linked
	// template that is not there.
	Incomplete Severity = iota
	// Fault means that Resource Manager would refuse or fail to deploy it.
	Fault
)

// String returns the severity in one word.
func (s Severity) String() string {
	if s == Incomplete {
		return "incomplete"
	}
	return "fault"
}

// Diagnostic says what could not be evaluated, where and why.
type Diagnostic struct {
	Severity Severity
	Pos      Pos
	Text     string
}
