// SPDX-License-Identifier: Apache-2.0

package review

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/vet"
)

// The forms in which a change is written.
const (
	FormAz        = "az"
	FormTerraform = "terraform"
	FormBicep     = "bicep"
	FormRollback  = "rollback"
	FormContract  = "contract"
)

// Text writes the change in one of the forms, each part below the decision that it follows
// from.
func (p *Plan) Text(form string) (string, error) {
	switch form {
	case FormTerraform:
		return p.parts("# ", func(first int, e []mivet.Edit) string { return vet.TerraformFrom(first, e) }), nil
	case FormBicep:
		return p.parts("// ", func(first int, e []mivet.Edit) string { return vet.BicepFrom(first, e) }), nil
	case FormRollback:
		return p.rollback(), nil
	case FormContract:
		return p.contract()
	}
	return p.parts("# ", func(_ int, e []mivet.Edit) string { return commands(e) }), nil
}

func commands(edits []mivet.Edit) string {
	var b strings.Builder
	for _, c := range vet.AzCommands(edits) {
		b.WriteString(c + "\n")
	}
	return b.String()
}

func (p *Plan) head(mark string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%sdecisions about the facts %s: %s, for review; mivet changes nothing\n", mark, short(p.Facts), vet.Count(len(p.Changes), "change"))
	for i := range p.Broken {
		t := &p.Broken[i]
		fmt.Fprintf(&b, "%sBREAKS the access test at %s: %s at %s\n", mark, t.Source, t.Operation, t.Resource)
	}
	return b.String()
}

func (p *Plan) parts(mark string, write func(first int, edits []mivet.Edit) string) string {
	var b strings.Builder
	b.WriteString(p.head(mark))
	first := 1
	for i := range p.Changes {
		c := &p.Changes[i]
		b.WriteString("\n" + c.note(mark) + write(first, c.Edits))
		first += len(c.Edits)
	}
	return b.String()
}

// note says above a change who decided it and why.
func (c *Change) note(mark string) string {
	line := fmt.Sprintf("%s %s: %s, %s; by %s on %s: %s", c.Row, c.Named, c.What, c.Decision.Decision, c.Reviewer, c.Date, c.Reason)
	return mark + strings.Join(strings.Fields(line), " ") + "\n"
}

// rollback undoes everything, the last change first. What an identity held that is gone has
// to be given to another principal, so that it is told and not done.
func (p *Plan) rollback() string {
	var b strings.Builder
	b.WriteString(p.head("# back: "))
	for i := range slices.Backward(p.Changes) {
		c := &p.Changes[i]
		back, lost := vet.Inverse(c.Edits)
		b.WriteString("\n" + c.note("# back: "))
		mark := ""
		for k := range lost {
			mark = "# for the new principal: "
			fmt.Fprintf(&b, "# cannot be undone: %s %s; made again it has another principal\n", lost[k].Kind, lost[k].Resource)
		}
		for line := range strings.Lines(commands(back)) {
			b.WriteString(mark + line)
		}
	}
	return b.String()
}

// contract writes the exceptions in the form of a contract, to be put into one.
func (p *Plan) contract() (string, error) {
	type exception struct {
		Rule    string `yaml:"rule"`
		Match   string `yaml:"match"`
		Reason  string `yaml:"reason"`
		Owner   string `yaml:"owner"`
		Expires string `yaml:"expires"`
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# decisions about the facts %s: %s, to be put into the contract\n", short(p.Facts), vet.Count(len(p.Accepted), "exception"))
	for _, s := range p.Reviewed {
		text, err := yaml.Marshal(map[string]string{"last": s.Date, "by": s.Reviewer})
		if err != nil {
			return "", fmt.Errorf("writing the review of %s: %w", s.Identity, err)
		}
		fmt.Fprintf(&b, "# everything about %s was decided; its review is now:\n", s.Identity)
		for line := range strings.Lines(string(text)) {
			b.WriteString("#   " + line)
		}
	}
	if len(p.Accepted) == 0 {
		return b.String(), nil
	}
	list := []exception{}
	for _, x := range p.Accepted {
		list = append(list, exception{x.Rule, x.Match, x.Reason, x.Owner, day(x.Expires)})
	}
	text, err := yaml.Marshal(map[string]any{"exceptions": list})
	if err != nil {
		return "", fmt.Errorf("writing exceptions: %w", err)
	}
	return b.String() + string(text), nil
}
