// SPDX-License-Identifier: Apache-2.0

package contract

// shape is what may stand behind a key.
type shape uint8

const (
	text    shape = iota // one text
	texts                // one text or a list of them
	number               // a whole number from 0 on
	truth                // true or false
	day                  // yyyy-mm-dd
	values               // a mapping of names to texts
	object               // a mapping with the keys of a form
	objects              // a list of these
	named                // a mapping of names to these
	either               // a text, or a mapping with the keys of a form
)

// A field is one key of a form. The reader, the check and the published schema all follow
// from it.
type field struct {
	name  string
	doc   string
	shape shape
	form  *form    // of object, objects, named and either
	words []string // the only texts that are allowed; nil: any
	must  bool     // it cannot be left out
}

// A form is a mapping with known keys.
type form struct {
	name   string
	doc    string
	fields []field
}

func (f *form) field(name string) *field {
	for i := range f.fields {
		if f.fields[i].name == name {
			return &f.fields[i]
		}
	}
	return nil
}

func (f *form) names() []string {
	out := make([]string, len(f.fields))
	for i := range f.fields {
		out[i] = f.fields[i].name
	}
	return out
}

// The types of identities, as Azure writes them.
var lifetimeWords = []string{Permanent, "job", "pull-request"}

var typeWords = []string{"SystemAssigned", "UserAssigned"}

// The parts of an identity that an organisation may ask for.
var requireWords = []string{"why", "owner", "tests", "ceiling", "review", "separation"}

// The levels at which a role is never to be given: that level and wider.
var levelWords = []string{"anywhere", "resource", "resource-group", "subscription", "management-group"}

var fileForm = &form{
	name: "contract", doc: "What was agreed on about managed identities.",
	fields: []field{
		{name: "contract", shape: number, must: true, doc: "The version of this form: 1."},
		{name: "extends", shape: texts, doc: "Files whose organisation, stages and exceptions hold here too, relative to this one. What they say may be tightened, never loosened."},
		{name: "organisation", shape: object, form: organisationForm, doc: "Rules for all identities."},
		{name: "stages", shape: named, form: stageForm, doc: "The stages that the same contract goes through, by name."},
		{name: "identities", shape: named, form: identityForm, doc: "The identities, by the name that people give them."},
		{name: "exceptions", shape: objects, form: exceptionForm, doc: "What was accepted for a time."},
	},
}

var organisationForm = &form{
	name: "organisation", doc: "Rules for all identities.",
	fields: []field{
		{name: "types", shape: object, form: typesForm, doc: "The type that an identity must have, by what is known of its workload."},
		{name: "sharing", shape: object, form: sharingForm, doc: "How many workloads one identity may serve."},
		{name: "never", shape: objects, form: neverForm, doc: "Roles that no identity is to hold."},
		{name: "review", shape: number, doc: "Within how many days each identity is reviewed again."},
		{name: "require", shape: texts, words: requireWords, doc: "What each identity must say."},
		{name: "separation", shape: object, form: separationForm, doc: "Who may stand behind the identities that say nothing of their own."},
	},
}

var typesForm = &form{
	name: "types", doc: "Which type follows from what; the first that is true counts.",
	fields: []field{
		{name: "recreated", shape: text, words: typeWords, doc: "The resource that runs the code is made anew by changes."},
		{name: "stable", shape: text, words: typeWords, doc: "Its principal must stay the same."},
		{name: "shared", shape: text, words: typeWords, doc: "Several workloads present it."},
		{name: "alone", shape: text, words: typeWords, doc: "None of these."},
	},
}

var sharingForm = &form{
	name: "sharing", doc: "How many workloads one identity may serve.",
	fields: []field{
		{name: "workloads", shape: number, doc: "At most so many workloads to one identity."},
		{name: "allowed", shape: texts, doc: "Names of identities that may be shared by more; * stands for any run of characters."},
	},
}

var neverForm = &form{
	name: "never", doc: "A role that no identity is to hold.",
	fields: []field{
		{name: "role", shape: text, must: true, doc: "The name or the ID of the role."},
		{name: "at", shape: text, words: levelWords, doc: "At this level and wider; anywhere if it is left out."},
		{name: "reason", shape: text, must: true, doc: "Why."},
	},
}

var separationForm = &form{
	name: "separation", doc: "Who may stand behind an identity.",
	fields: []field{
		{name: "code", shape: texts, doc: "Who may change the code that runs as it: names or object IDs of principals. Others are a finding."},
		{name: "run", shape: texts, doc: "Who may act as it in any other way."},
	},
}

var stageForm = &form{
	name: "stage", doc: "One stage.",
	fields: []field{
		{name: "after", shape: texts, doc: "Stages that must have passed with this contract."},
		{name: "environment", shape: text, doc: "The environment that its subscriptions belong to; the stage's name if it is left out."},
		{name: "subscriptions", shape: texts, doc: "The IDs of its subscriptions."},
		{name: "values", shape: values, doc: "What ${name} stands for in this stage."},
	},
}

var identityForm = &form{
	name: "identity", doc: "One managed identity.",
	fields: []field{
		{name: "resource", shape: text, doc: "The resource ID of the user-assigned identity, or of the resource that carries the system-assigned one."},
		{name: "address", shape: text, doc: "Its address in Terraform or Bicep; before or in place of resource."},
		{name: "type", shape: text, words: typeWords, must: true, doc: "The type that was agreed on."},
		{name: "why", shape: text, doc: "Why it has that type."},
		{name: "stable", shape: truth, doc: "Its principal must stay the same: something outside of the code names it."},
		{name: "lifetime", shape: text, words: lifetimeWords, doc: "How long what presents it lives: a job and a pull-request make it anew each time. Left out: what the code and the tenant tell."},
		{name: "principal", shape: either, form: principalForm, doc: "The object ID of its service principal, or where it was captured."},
		{name: "owner", shape: text, doc: "Who answers for it."},
		{name: "workloads", shape: texts, doc: "Which resources may use it: addresses, resource IDs or names. Others are a finding."},
		{name: "ceiling", shape: objects, form: grantForm, doc: "What it may do at most. An empty list: nothing."},
		{name: "tests", shape: objects, form: testForm, doc: "What it must and must not be able to do."},
		{name: "separation", shape: object, form: separationForm, doc: "Who may stand behind it."},
		{name: "review", shape: object, form: reviewForm, doc: "When somebody looked at it."},
	},
}

var principalForm = &form{
	name: "principal", doc: "An object ID that a deployment told.",
	fields: []field{
		{name: "output", shape: text, must: true, doc: "The name of the output."},
	},
}

var grantForm = &form{
	name: "grant", doc: "A part of a ceiling: one of role, access, operations, policy and local, and where.",
	fields: []field{
		{name: "role", shape: text, doc: "The name or the ID of a role."},
		{name: "access", shape: text, doc: "What a test would ask for, such as read secret."},
		{name: "operations", shape: texts, doc: "Operations or patterns of these."},
		{name: "plane", shape: text, words: []string{"control", "data"}, doc: "The side of the operations; data if it is left out."},
		{name: "policy", shape: object, form: policyForm, doc: "Permissions of a key vault's access policy."},
		{name: "local", shape: text, words: localWords, doc: "A service with roles of its own."},
		{name: "local-role", shape: text, doc: "The role there, by ID or name."},
		{name: "scope", shape: text, doc: "The scope below the account there; all of it if it is left out."},
		{name: "at", shape: text, must: true, doc: "The scope: a resource ID, an address or a name, with the path of a child if need be."},
		{name: "condition", shape: text, doc: "The condition that the assignment must have."},
		{name: "note", shape: text, doc: "A word for those who read it."},
	},
}

var localWords = []string{"cosmos", "managedhsm", "kusto", "redis", "sqladmin", "postgresql", "mysql"}

var policyForm = &form{
	name: "policy", doc: "Permissions of a key vault's access policy.",
	fields: []field{
		{name: "secrets", shape: texts, doc: "Permissions on secrets."},
		{name: "keys", shape: texts, doc: "Permissions on keys."},
		{name: "certificates", shape: texts, doc: "Permissions on certificates."},
		{name: "storage", shape: texts, doc: "Permissions on managed storage accounts."},
	},
}

var testForm = &form{
	name: "test", doc: "A question with the answer that is expected: one of can and cannot, and on what.",
	fields: []field{
		{name: "can", shape: text, doc: "What must be allowed: words such as read secret, or an operation."},
		{name: "cannot", shape: text, doc: "What must not be allowed."},
		{name: "on", shape: text, must: true, doc: "The target: a resource ID, an address or a name, with the path of a child if need be."},
		{name: "plane", shape: text, words: []string{"control", "data"}, doc: "The side of an operation that exists on both."},
	},
}

var reviewForm = &form{
	name: "review", doc: "When somebody looked at it.",
	fields: []field{
		{name: "every", shape: number, doc: "Within how many days it is looked at again."},
		{name: "last", shape: day, doc: "When it was looked at last, as yyyy-mm-dd."},
		{name: "by", shape: text, doc: "Who did."},
	},
}

var exceptionForm = &form{
	name: "exception", doc: "Findings that somebody accepted for a time.",
	fields: []field{
		{name: "rule", shape: text, must: true, doc: "The rule."},
		{name: "identity", shape: text, doc: "The identity that it is about, by its name in the contract."},
		{name: "match", shape: text, doc: "In place of identity: the subject's name, ID or address, with *; or a fingerprint."},
		{name: "reason", shape: text, must: true, doc: "Why."},
		{name: "owner", shape: text, must: true, doc: "Who answers for it."},
		{name: "expires", shape: day, must: true, doc: "The last day on which it counts, as yyyy-mm-dd."},
	},
}
