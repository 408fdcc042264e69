// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
)

// The namespaces of the targets that access can be asked for in words.
const (
	vaults     = "Microsoft.KeyVault/vaults"
	accounts   = "Microsoft.Storage/storageAccounts"
	blobs      = accounts + "/blobServices/containers"
	queues     = accounts + "/queueServices/queues"
	tables     = accounts + "/tableServices/tables"
	serviceBus = "Microsoft.ServiceBus/namespaces"
	eventHubs  = "Microsoft.EventHub/namespaces"
	cosmos     = "Microsoft.DocumentDB/databaseAccounts"
	appConfig  = "Microsoft.AppConfiguration/configurationStores"
	openAI     = "Microsoft.CognitiveServices/accounts"
)

// phrase is a way to ask for access in words: a verb, and a noun that may be left out where
// the target's type tells it.
type phrase struct {
	verb, noun string
	// on are the types of targets.
	on        []string
	operation string
}

// phrases are all that can be asked for in words. Operations are those of the services'
// pages on roles: learn.microsoft.com/azure/key-vault/general/rbac-guide,
// learn.microsoft.com/azure/role-based-access-control/permissions/{storage,integration,
// databases,ai-machine-learning}, learn.microsoft.com/azure/cosmos-db/nosql/reference-data-plane-actions.
var phrases = slices.Concat(
	about([]string{vaults + "/secrets", vaults}, "secret", vaults+"/secrets/",
		"read", "getSecret/action", "list", "readMetadata/action", "write", "setSecret/action", "delete", "delete"),
	about([]string{vaults + "/keys", vaults}, "key", vaults+"/keys/",
		"read", "read", "sign", "sign/action", "verify", "verify/action", "encrypt", "encrypt/action",
		"decrypt", "decrypt/action", "wrap", "wrap/action", "unwrap", "unwrap/action"),
	about([]string{vaults + "/certificates", vaults}, "certificate", vaults+"/certificates/", "read", "read"),
	about([]string{blobs, blobs + "/blobs", accounts + "/blobServices", accounts}, "blob", blobs+"/blobs/",
		"read", "read", "list", "read", "write", "write", "delete", "delete"),
	about([]string{queues, accounts + "/queueServices", accounts}, "message", queues+"/messages/",
		"read", "read", "send", "add/action", "receive", "process/action"),
	about([]string{tables, accounts + "/tableServices", accounts}, "entity", tables+"/entities/",
		"read", "read", "add", "add/action", "write", "write", "delete", "delete"),
	about([]string{serviceBus + "/queues", serviceBus + "/topics", serviceBus + "/topics/subscriptions", serviceBus}, "message", serviceBus+"/messages/",
		"send", "send/action", "receive", "receive/action"),
	about([]string{eventHubs + "/eventhubs", eventHubs + "/eventhubs/consumergroups", eventHubs}, "event", eventHubs+"/messages/",
		"send", "send/action", "receive", "receive/action"),
	about([]string{cosmos + "/sqlDatabases/containers", cosmos + "/sqlDatabases", cosmos}, "item", cosmos+"/sqlDatabases/containers/items/",
		"read", "read", "add", "create", "write", "upsert", "delete", "delete"),
	about([]string{appConfig}, "value", appConfig+"/keyValues/", "read", "read", "write", "write", "delete", "delete"),
	about([]string{openAI, openAI + "/deployments"}, "model", openAI+"/OpenAI/deployments/",
		"call", "chat/completions/action", "embed", "embeddings/action"),
)

// about makes the phrases of one noun of pairs of verb and operation.
func about(on []string, noun, stem string, pairs ...string) []phrase {
	var out []phrase
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, phrase{verb: pairs[i], noun: noun, on: on, operation: stem + pairs[i+1]})
	}
	return out
}

// Words returns the words in which access can be asked for, for people who look for one.
func Words() []string {
	out := []string{"read resource", "write resource", "delete resource"}
	for i := range phrases {
		out = append(out, phrases[i].verb+" "+phrases[i].noun)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Question is what is asked of Azure.
type Question struct {
	Operation arm.Operation
	Plane     mivet.Plane
}

// ask turns words, or an operation, into the question that is meant for a target. Where the
// plane is given it counts; words ask for data, except those about a resource itself.
func ask(access string, plane mivet.Plane, target arm.ID) (Question, error) {
	if strings.Contains(access, "/") {
		op, err := arm.ParseOperation(access)
		return Question{op, plane}, err
	}
	verb, noun, err := splitPhrase(access)
	if err != nil {
		return Question{}, err
	}
	if noun != "resource" {
		for i := range phrases {
			p := &phrases[i]
			if p.verb == verb && (noun == "" || p.noun == noun) && slices.ContainsFunc(p.on, target.HasType) {
				if noun == "" && !target.HasType(p.on[0]) && len(nounsFor(verb, target)) > 1 {
					return Question{}, fmt.Errorf("%q on %s may mean %s: say which", access, target.Type(), strings.Join(nounsFor(verb, target), " or "))
				}
				op, err := arm.ParseOperation(p.operation)
				return Question{op, mivet.PlaneData}, err
			}
		}
		if noun != "" {
			return Question{}, fmt.Errorf("%q cannot be asked of %s: it is for %s", access, typeOf(target), strings.Join(typesFor(verb, noun), ", "))
		}
	}
	word, ok := map[string]string{"read": "read", "write": "write", "delete": "delete"}[verb]
	if !ok || target.Type() == "" {
		return Question{}, fmt.Errorf("%q cannot be asked of %s: write the operation", access, typeOf(target))
	}
	of := target.Type()
	if target.Level() == arm.LevelResourceGroup { // its operations have another name than its type
		of = "Microsoft.Resources/subscriptions/resourceGroups"
	}
	op, err := arm.ParseOperation(of + "/" + word)
	return Question{op, mivet.PlaneControl}, err
}

func typeOf(id arm.ID) string {
	if t := id.Type(); t != "" {
		return t
	}
	return id.String()
}

// splitPhrase takes words apart, and refuses those that nothing is known of.
func splitPhrase(access string) (verb, noun string, err error) {
	words := strings.Fields(strings.ToLower(access))
	if len(words) == 0 || len(words) > 2 {
		return "", "", fmt.Errorf("%q is no access: write words such as \"read secret\", or an operation", access)
	}
	verb = words[0]
	if len(words) == 2 {
		noun = singular(words[1])
	}
	known := slices.ContainsFunc(Words(), func(w string) bool {
		v, n, _ := strings.Cut(w, " ")
		return v == verb && (noun == "" || n == noun)
	})
	if !known {
		return "", "", fmt.Errorf("%q is no access: it is one of %s, or an operation", access, strings.Join(Words(), ", "))
	}
	return verb, noun, nil
}

func singular(noun string) string {
	if stem, ok := strings.CutSuffix(noun, "ies"); ok {
		return stem + "y"
	}
	return strings.TrimSuffix(noun, "s")
}

func nounsFor(verb string, target arm.ID) []string {
	var out []string
	for i := range phrases {
		if p := &phrases[i]; p.verb == verb && slices.ContainsFunc(p.on, target.HasType) {
			out = append(out, verb+" "+p.noun)
		}
	}
	return out
}

func typesFor(verb, noun string) []string {
	var out []string
	for i := range phrases {
		if p := &phrases[i]; p.verb == verb && p.noun == noun {
			out = append(out, p.on...)
		}
	}
	return out
}

// Phrase writes an operation on a target in words, or as it is where there are none.
func Phrase(q Question, target arm.ID) string {
	for i := range phrases {
		p := &phrases[i]
		op, err := arm.ParseOperation(p.operation)
		if err == nil && q.Plane == mivet.PlaneData && op.Key() == q.Operation.Key() && slices.ContainsFunc(p.on, target.HasType) {
			return p.verb + " " + p.noun
		}
	}
	return q.Operation.String()
}
