// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"sync"
	"time"

	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
)

// condition is the condition of an assignment, a permission object or a deny assignment.
type condition struct {
	text     string
	compiled *abac.Condition // nil: it could not be read
	fault    error
}

// compileCondition returns nil for an empty text: no condition. Version 1.0 and 2.0 have
// the same grammar; the public API knows "2.0" alone
// (MicrosoftDocs/azure-docs articles/role-based-access-control/conditions-format.md).
func compileCondition(text, version string) *condition {
	if text == "" {
		return nil
	}
	c := &condition{text: text}
	c.compiled, c.fault = abac.CompileText(text)
	if c.fault == nil && version != "" && version != "1.0" && version != "2.0" {
		c.compiled, c.fault = nil, versionError(version)
	}
	return c
}

type versionError string

func (v versionError) Error() string {
	return "reading a condition: version " + string(v) + " is not known, only 1.0 and 2.0 are"
}

// surroundings is what a condition sees of a question.
type surroundings struct {
	abac.Env
	given    abac.Attributes // what the caller adds; nil: nothing
	at       time.Time
	resource arm.ID
}

var surroundingsPool = sync.Pool{New: func() any { return new(surroundings) }}

// eval says whether the condition lets the question through. No condition does.
func (c *condition) eval(q *question) abac.Truth {
	if c == nil {
		return abac.True
	}
	if c.compiled == nil {
		return abac.Unknown
	}
	s := borrow(q)
	t := c.compiled.Eval(&s.Env)
	s.giveBack()
	return t
}

func borrow(q *question) *surroundings {
	s := surroundingsPool.Get().(*surroundings) //nolint:errcheck,forcetypeassert // the pool holds nothing else
	if q.given != nil {
		s.Env = *q.given
		s.given = q.given.More
	}
	s.at, s.resource = q.at, q.resource
	s.Operation = q.row.op
	s.More = s
	return s
}

func (s *surroundings) giveBack() {
	*s = surroundings{}
	surroundingsPool.Put(s)
}

// nameAttributes are the attributes that are told by the name of the resource: the name
// behind a type segment. Keys are folded
// (MicrosoftDocs/azure-docs articles/storage/blobs/storage-auth-abac-attributes.md;
// MicrosoftDocs/azure-security-docs articles/key-vault/general/rbac-abac.md).
var nameAttributes = []struct {
	key          arm.Key
	resourceType string
}{
	{"microsoft.storage/storageaccounts:name", "Microsoft.Storage/storageAccounts"},
	{"microsoft.storage/storageaccounts/blobservices/containers:name", "Microsoft.Storage/storageAccounts/blobServices/containers"},
	{"microsoft.storage/storageaccounts/queueservices/queues:name", "Microsoft.Storage/storageAccounts/queueServices/queues"},
	{"microsoft.keyvault/vaults:name", "Microsoft.KeyVault/vaults"},
	{secretName, "Microsoft.KeyVault/vaults/secrets"},
}

// secretName is the one of them that requests to set and to restore a secret carry as
// well (MicrosoftDocs/azure-security-docs articles/key-vault/general/rbac-abac.md).
const secretName arm.Key = "microsoft.keyvault/vaults/secrets:name"

func carriesSecretName(op arm.Key) bool {
	return op == "microsoft.keyvault/vaults/secrets/setsecret/action" || op == "microsoft.keyvault/vaults/secrets/restore/action"
}

// Attribute answers from what the caller knows, from the time of the question, and from
// the name of the resource.
func (s *surroundings) Attribute(source abac.Source, key arm.Key) (abac.Value, abac.Presence) {
	if s.given != nil {
		if v, p := s.given.Attribute(source, key); p != abac.NotKnown {
			return v, p
		}
	}
	if source == abac.Environment && key == utcNow && !s.at.IsZero() {
		return abac.Time(s.at), abac.Known
	}
	inRequest := source == abac.Request && key == secretName && carriesSecretName(s.Operation.Key())
	if source != abac.Resource && !inRequest {
		return abac.Value{}, abac.NotKnown
	}
	for _, n := range nameAttributes {
		if n.key != key {
			continue
		}
		for id := s.resource; !id.IsZero(); id = id.Parent() {
			if id.HasType(n.resourceType) {
				return abac.String(id.Name()), abac.Known
			}
		}
	}
	return abac.Value{}, abac.NotKnown
}

const utcNow arm.Key = "utcnow"
