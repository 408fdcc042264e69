// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/mivet/mivet"
)

// Captured are principals that deployments told, by the names of their outputs.
type Captured map[string]mivet.PrincipalID

// maxCaptured is how large a file of outputs may be, in bytes.
const maxCaptured = 16 << 20

// ReadCaptured reads outputs: those of "terraform output -json", of a Terraform state or
// plan in JSON, of an ARM or Bicep deployment, what [WriteCaptured] wrote as JSON, or lines
// NAME=VALUE. Outputs that are no object IDs are left out.
func ReadCaptured(file string, data []byte) (Captured, error) {
	if len(data) > maxCaptured {
		return nil, fmt.Errorf("%s: it has %d bytes; outputs have at most %d", file, len(data), maxCaptured)
	}
	out := Captured{}
	if text := bytes.TrimSpace(data); !bytes.HasPrefix(text, []byte("{")) {
		return out, out.lines(file, text)
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("reading the outputs of %s: %w", file, err)
	}
	for _, path := range [][]string{nil, {"outputs"}, {"values", "outputs"}, {"planned_values", "outputs"}, {"properties", "outputs"}, {"identities"}} {
		out.objects(inside(doc, path))
	}
	return out, nil
}

// inside follows a path into a JSON object; nil where it ends.
func inside(doc map[string]json.RawMessage, path []string) map[string]json.RawMessage {
	for _, name := range path {
		var next map[string]json.RawMessage
		if json.Unmarshal(doc[name], &next) != nil {
			return nil
		}
		doc = next
	}
	return doc
}

// objects takes the values that are object IDs: plain, as {"value": …}, or as the principalId
// of an identity.
func (c Captured) objects(doc map[string]json.RawMessage) {
	for name, raw := range doc {
		var plain string
		if json.Unmarshal(raw, &plain) == nil {
			c.add(name, plain)
			continue
		}
		var wrapped struct {
			Value       json.RawMessage `json:"value"`
			PrincipalID string          `json:"principalId"`
		}
		if json.Unmarshal(raw, &wrapped) != nil {
			continue
		}
		c.add(name, wrapped.PrincipalID)
		if json.Unmarshal(wrapped.Value, &plain) == nil {
			c.add(name, plain)
		}
	}
}

func (c Captured) add(name, value string) {
	if mivet.IsGUID(value) {
		c[name] = mivet.NewPrincipalID(value)
	}
}

func (c Captured) lines(file string, text []byte) error {
	s := bufio.NewScanner(bytes.NewReader(text))
	s.Buffer(nil, 1<<20)
	for n := 1; s.Scan(); n++ {
		line := strings.TrimSpace(s.Text())
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return fmt.Errorf("%s:%d: outputs are JSON, or lines NAME=VALUE", file, n)
		}
		name = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(name), "export "), "param ")
		c.add(strings.TrimSpace(name), strings.Trim(strings.TrimSpace(value), `"'`))
	}
	return s.Err()
}

// The outputs that Azure Verified Modules must have, for Terraform and for Bicep
// (Azure/Azure-Verified-Modules docs/content/specs-defs, RMFR7).
var moduleOutputs = []string{"system_assigned_mi_principal_id", "systemAssignedMIPrincipalId"}

// Of returns the principal that was captured for an identity, and the name of the output:
// the one that the contract names; else the identity's own name, or that name with the ending
// of the outputs that verified modules must have; else such an output alone, where a single
// identity of the contract can be meant.
func (c Captured) Of(k *Contract, i *Identity) (mivet.PrincipalID, string) {
	if i.Output != "" {
		return c[i.Output], i.Output
	}
	if i.Principal != "" {
		return "", ""
	}
	names := []string{OutputName(i.Name), bicepName(OutputName(i.Name)), envName(OutputName(i.Name)), i.Name}
	for _, m := range moduleOutputs {
		names = append(names, snake(i.Name)+"_"+snake(m), bicepName(snake(i.Name)+"_"+m))
		if i.Type == mivet.SystemAssigned && k.alone(i) {
			names = append(names, m)
		}
	}
	for _, n := range names {
		if p, ok := c[n]; ok {
			return p, n
		}
	}
	return "", ""
}

// alone reports whether an identity is the only one of its type for which nothing else is
// expected.
func (c *Contract) alone(i *Identity) bool {
	return !slices.ContainsFunc(c.Identities, func(o Identity) bool {
		return o.Name != i.Name && o.Type == i.Type && o.Output == "" && o.Principal == ""
	})
}

var notSnake = regexp.MustCompile(`[^a-z0-9]+`)

func snake(s string) string {
	return strings.Trim(notSnake.ReplaceAllString(strings.ToLower(s), "_"), "_")
}

// OutputName is the name under which the principal of an identity is written as an output.
func OutputName(identity string) string { return snake(identity) + "_principal_id" }

func envName(s string) string { return strings.ToUpper(s) }

func bicepName(s string) string {
	var b strings.Builder
	for n, part := range strings.Split(s, "_") {
		if n > 0 && part != "" {
			part = strings.ToUpper(part[:1]) + part[1:]
		}
		b.WriteString(part)
	}
	return b.String()
}

// The forms in which outputs are written for the next stage.
const (
	OutputsTerraform = "terraform"
	OutputsBicep     = "bicep"
	OutputsEnv       = "env"
	OutputsJSON      = "json"
)

// capturedJSON is the JSON form of outputs.
type capturedJSON struct {
	SchemaVersion int                     `json:"schemaVersion"`
	Contract      string                  `json:"contract"`
	Stage         string                  `json:"stage,omitzero"`
	Identities    map[string]identityJSON `json:"identities"`
}

type identityJSON struct {
	PrincipalID mivet.PrincipalID `json:"principalId"`
	Resource    string            `json:"resource"`
	Type        string            `json:"type"`
}

// WriteCaptured writes the principals of a bound contract as outputs: a file of Terraform
// variables, Bicep parameters, lines of an environment file, or JSON. Identities whose
// principal does not exist yet are left out.
func (b *Bound) WriteCaptured(form string) (string, error) {
	var out strings.Builder
	j := capturedJSON{SchemaVersion: 1, Contract: b.Hash, Identities: map[string]identityJSON{}}
	if b.Stage != nil {
		j.Stage = b.Stage.Name
	}
	for i := range b.Bindings {
		x := &b.Bindings[i]
		if !mivet.IsGUID(string(x.Held)) || x.Presence != Present {
			continue
		}
		name := OutputName(x.Name)
		switch form {
		case OutputsTerraform:
			fmt.Fprintf(&out, "%s = %q\n", name, x.Held)
		case OutputsBicep:
			fmt.Fprintf(&out, "param %s = '%s'\n", bicepName(name), x.Held)
		case OutputsEnv:
			fmt.Fprintf(&out, "%s=%s\n", envName(name), x.Held)
		case OutputsJSON:
			j.Identities[x.Name] = identityJSON{x.Held, x.ID.String(), string(x.Type)}
		default:
			return "", fmt.Errorf("outputs are written as %s, %s, %s or %s, not as %q", OutputsTerraform, OutputsBicep, OutputsEnv, OutputsJSON, form)
		}
	}
	if form == OutputsJSON {
		text, err := json.MarshalIndent(j, "", "  ")
		return string(text) + "\n", err
	}
	return out.String(), nil
}

// With returns the contract with another value of one key of an identity, named as
// "orders-api.owner". A key that cannot be changed so leaves it as it is.
func (c *Contract) With(name, value string) *Contract {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return c
	}
	changed := *c
	changed.Identities = slices.Clone(c.Identities)
	i := changed.Identity(name[:dot])
	if i == nil {
		return c
	}
	switch name[dot+1:] {
	case "owner":
		i.Owner = value
	case "why":
		i.Why = value
	case "type":
		i.Type = mivet.IdentityKind(value)
	case "principal":
		i.Principal, i.Output = mivet.NewPrincipalID(value), ""
	case "last":
		i.Review.Last = dayOf(value)
	}
	return &changed
}
