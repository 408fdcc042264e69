// SPDX-License-Identifier: Apache-2.0

package execpath

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// Kind says what holding a way of a technique means.
type Kind string

// The kinds.
const (
	KindExec        Kind = "exec"            // code of the caller runs where the identity's token is given out
	KindAuthority   Kind = "authority"       // the caller gives itself the right
	KindHalf        Kind = "half"            // one of two rights that are needed together
	KindContent     Kind = "content"         // rewrites stored content that a workload loads
	KindSupply      Kind = "supply"          // poisons what is taken at the next build, pull or import
	KindTrigger     Kind = "trigger"         // makes planted content run now
	KindInvoke      Kind = "invoke"          // runs code that is there, with the caller's input
	KindDeputy      Kind = "confused-deputy" // a service uses its identity for what the caller chooses
	KindEnabler     Kind = "enabler"         // opens a network path or takes a guardrail away
	KindConditional Kind = "conditional"     // matches by the names, and nobody has shown that it works
	KindSecret      Kind = "secret"          // obtains stored credentials
	KindData        Kind = "data"            // rights inside a database
	KindLimited     Kind = "limited"         // the identity is of no use to code
	KindForeign     Kind = "foreign-rbac"    // granted in an authorization system of a service's own
	KindNoPath      Kind = "not-a-path"      // looks like a path and is none
)

var kinds = []Kind{
	KindExec, KindAuthority, KindHalf, KindContent, KindSupply, KindTrigger, KindInvoke, KindDeputy, KindEnabler,
	KindConditional, KindSecret, KindData, KindLimited, KindForeign, KindNoPath,
}

// Acts reports whether a way of the kind lets the caller act as the identity.
func (k Kind) Acts() bool {
	return k == KindExec || k == KindAuthority || k == KindContent
}

// Plane is where a right is checked.
type Plane string

// The planes of rights.
const (
	OnControl  Plane = "control"  // Azure Resource Manager: actions
	OnData     Plane = "data"     // the service itself: data actions
	OnExternal Plane = "external" // outside Azure's authorization: a push, Kubernetes, the directory
)

// Object says on what a right is checked.
type Object string

// The objects.
const (
	AtHost      Object = "host"      // the resource that the technique is about, or what lies below it
	AtIdentity  Object = "identity"  // the user-assigned identity
	AtScope     Object = "scope"     // any scope at or above the identity's resource
	AtGroup     Object = "group"     // some resource group of the caller's choice, the same for all of these rights
	AtElsewhere Object = "elsewhere" // some other resource of the caller's choice
	AtOutside   Object = "outside"   // nothing in Azure
)

var objects = []Object{AtHost, AtIdentity, AtScope, AtGroup, AtElsewhere, AtOutside}

// Result says which identities the caller acts as.
type Result string

// The results.
const (
	ResultHost        Result = "host"          // those of the resource
	ResultSelf        Result = "self"          // the user-assigned identity that the technique is about
	ResultAttached    Result = "attached"      // the identity that is attached by it
	ResultAttachExec  Result = "attached+exec" // the same, with another technique that runs code on the resource
	ResultBelow       Result = "below"         // every identity below the scope
	ResultParent      Result = "parent"        // those of the resource, with code in one of its slots
	ResultCluster     Result = "cluster"       // those of the nodes and pods of a cluster
	ResultFederated   Result = "federated"     // those that trust an outside issuer
	ResultConsumers   Result = "consumers"     // those of the workloads that load the content
	ResultCredentials Result = "credentials"   // the principal whose credential is stored there
	ResultNodes       Result = "nodes"         // those of machines that no link of a snapshot names
	ResultBuild       Result = "build"         // those of the machine that builds an image
	ResultNone        Result = "none"
)

var results = []Result{
	ResultHost, ResultSelf, ResultAttached, ResultAttachExec, ResultBelow, ResultParent, ResultCluster,
	ResultFederated, ResultConsumers, ResultCredentials, ResultNodes, ResultBuild, ResultNone,
}

// Certainty says how well it is known that a technique works.
type Certainty string

// The certainties.
const (
	Published Certainty = "published" // shown in public, or documented
	Inferred  Certainty = "inferred"  // follows from a description; not demonstrated in public
	Low       Certainty = "low"       // doubtful
)

// Need is one right.
type Need struct {
	// Operation is its name; for an external right a sentence.
	Operation string `json:"operation"`
	Plane     Plane  `json:"plane"`
	On        Object `json:"on"`
	// Unverified is true where no published list has the operation.
	Unverified bool `json:"unverified,omitzero"`

	op arm.Operation
}

// plane is the need's plane in the words of a snapshot.
func (n *Need) plane() mivet.Plane {
	if n.Plane == OnData {
		return mivet.PlaneData
	}
	return mivet.PlaneControl
}

// Way is one alternative of a technique: rights that must be held together.
type Way struct {
	Needs []Need `json:"needs"`
	// Gates name what configuration must say, beside those of the technique.
	Gates []string `json:"gates,omitzero"`
	// Hosts and Result are those of the technique where they are left out.
	Hosts  []string `json:"hosts,omitzero"`
	Result Result   `json:"result,omitzero"`
}

// Technique is a row of the table.
type Technique struct {
	// ID is the stable name, such as "VM-01".
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`
	// Result says which identities the caller acts as.
	Result Result `json:"result"`
	// Hosts are the types of the resources that it is about; none for those about scopes or
	// about what lies outside of Azure.
	Hosts []string `json:"hosts,omitzero"`
	// Creatable is true where the caller can make the resource itself, in any resource group.
	Creatable bool      `json:"creatable,omitzero"`
	Certainty Certainty `json:"certainty"`
	Ways      []Way     `json:"ways"`
	// How says how it works, Prerequisites what else must hold, Identity which identity
	// results, About what it is about: texts for people.
	How           string   `json:"how"`
	Prerequisites string   `json:"prerequisites,omitzero"`
	Identity      string   `json:"identity"`
	About         string   `json:"about"`
	Sources       []string `json:"sources"`
}

// resultOf is the result of a way.
func (t *Technique) resultOf(w *Way) Result {
	if w.Result != "" {
		return w.Result
	}
	return t.Result
}

// hostsOf are the types of a way.
func (t *Technique) hostsOf(w *Way) []string {
	if len(w.Hosts) > 0 {
		return w.Hosts
	}
	return t.Hosts
}

// check returns what is wrong with a row, and reads the names in it.
func (t *Technique) check() error {
	switch {
	case t.ID == "" || strings.TrimSpace(t.ID) != t.ID:
		return fmt.Errorf("the row has no id")
	case !slices.Contains(kinds, t.Kind):
		return fmt.Errorf("%s: the kind %q is not one of %v", t.ID, t.Kind, kinds)
	case t.Certainty != Published && t.Certainty != Inferred && t.Certainty != Low:
		return fmt.Errorf("%s: the certainty %q is not published, inferred or low", t.ID, t.Certainty)
	case len(t.Sources) == 0:
		return fmt.Errorf("%s: a row needs at least one source", t.ID)
	case len(t.Ways) == 0:
		return fmt.Errorf("%s: a row needs at least one way", t.ID)
	}
	for i := range t.Ways {
		if err := t.checkWay(&t.Ways[i]); err != nil {
			return fmt.Errorf("%s, way %d: %w", t.ID, i+1, err)
		}
	}
	return nil
}

func (t *Technique) checkWay(w *Way) error {
	if r := t.resultOf(w); !slices.Contains(results, r) {
		return fmt.Errorf("the result %q is not one of %v", r, results)
	}
	for _, g := range w.Gates {
		if findGate(g) == nil {
			return fmt.Errorf("there is no gate %q", g)
		}
	}
	for _, h := range t.hostsOf(w) {
		if !strings.Contains(h, "/") {
			return fmt.Errorf("%q is not a resource type", h)
		}
	}
	if len(w.Needs) == 0 {
		return fmt.Errorf("it needs no right")
	}
	for i := range w.Needs {
		n := &w.Needs[i]
		if n.Plane != OnControl && n.Plane != OnData && n.Plane != OnExternal {
			return fmt.Errorf("the plane %q is not control, data or external", n.Plane)
		}
		if !slices.Contains(objects, n.On) {
			return fmt.Errorf("the object %q is not one of %v", n.On, objects)
		}
		if (n.Plane == OnExternal) != (n.On == AtOutside) {
			return fmt.Errorf("%s: an external right, and no other, is checked outside", n.Operation)
		}
		if n.On == AtHost && len(t.hostsOf(w)) == 0 {
			return fmt.Errorf("%s is checked on the host, and no host is named", n.Operation)
		}
		if n.Plane == OnExternal {
			continue
		}
		op, err := arm.ParseOperation(n.Operation)
		if err != nil {
			return err
		}
		n.op = op
	}
	return nil
}
