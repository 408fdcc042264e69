// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/minimize"
	"github.com/mivet/mivet/vet"
)

// splitJSON is the plan for machines.
type splitJSON struct {
	SchemaVersion int             `json:"schemaVersion"`
	Principal     principalJSON   `json:"principal"`
	Identity      arm.ID          `json:"identity"`
	Workloads     []splitPartJSON `json:"workloads"`
	// Unattributed are needs of which it is not known whose they are: each new identity gets
	// them. ByHand are needs that groups, grants with conditions or access policies give:
	// the new identities must be added there.
	Unattributed []minimize.Need `json:"unattributed"`
	ByHand       []minimize.Need `json:"byHand"`
	NotHeld      []minimize.Need `json:"notHeld"`
	Undecided    []minimize.Need `json:"undecided"`
}

type splitPartJSON struct {
	Workload   arm.ID          `json:"workload,omitzero"`
	Credential string          `json:"credential,omitzero"`
	Identity   arm.ID          `json:"identity"`
	Needs      []minimize.Need `json:"needs"`
	Evidence   []string        `json:"evidence"`
	Risk       int64           `json:"risk"`
	Proven     bool            `json:"proven"`
	Grants     []trimGrantJSON `json:"grants"`
}

func (s *splitting) write(w io.Writer, format string, colour bool) error {
	text := ""
	switch format {
	case formatJSON:
		return writeAnswer(w, "split", s.json())
	case formatText:
		return s.text(newPrinter(w, colour))
	case fixAz:
		text = s.az()
	case fixTerraform:
		text = s.terraform()
	case fixBicep:
		text = s.bicep()
	case formatRollback:
		text = s.rollback()
	}
	_, err := io.WriteString(w, cleanStyled(text))
	return err
}

func (s *splitting) json() *splitJSON {
	j := &splitJSON{
		SchemaVersion: 1, Principal: s.principalJSON(s.who), Identity: s.shared.Resource, Workloads: []splitPartJSON{},
		Unattributed: list(s.unattributed), ByHand: list(s.byHand), NotHeld: list(s.notHeld), Undecided: list(s.undecided),
	}
	for i := range s.parts {
		p := &s.parts[i]
		x := splitPartJSON{Workload: p.Workload, Identity: p.Identity, Needs: list(p.Needs), Evidence: list(p.Evidence), Risk: p.Proposal.Risk, Proven: p.Proposal.Proven, Grants: s.grantsJSON(p.Proposal)}
		if p.Federation != nil {
			x.Credential = p.Federation.ID.String()
		}
		j.Workloads = append(j.Workloads, x)
	}
	return j
}

func (s *splitting) text(p *printer) error {
	p.printf("%s: %s is presented by %s, each of which can do all of risk %d\n", yellow("to split"), bold(s.title(s.who)), counted(len(s.parts), "workload"), s.before.Risk)
	for i := range s.parts {
		x := &s.parts[i]
		p.printf("\n%s\n  %-11s %s, new\n", bold(x.title()), "identity", x.Identity.Name())
		for _, n := range x.Needs {
			p.printf("  %-11s %s\n  %-11s   at %s\n", "needs", n.Operation, "", n.Scope)
		}
		for _, e := range x.Evidence {
			p.printf("  %-11s %s\n", "because", e)
		}
		for _, g := range x.Proposal.Grants {
			p.printf("  %-11s %s at %s\n", green("+ grant"), g.Role.Name, g.Scope)
		}
		p.printf("  %-11s %d\n", "risk", x.Proposal.Risk)
	}
	s.needs(p, "Unattributed: each gets these until its own logs tell", s.unattributed)
	s.needs(p, "By hand: groups, conditions or access policies give these", s.byHand)
	s.needs(p, "Undecided: it is not known whether they are held today", s.undecided)
	p.printf("\n%s\n", bold("Proof"))
	p.printf("  on a copy each new identity holds what it needs, and none holds anything that %s does not\n", s.shared.Resource.Name())
	p.printf("\n%s\n", bold("Order"))
	for i, step := range s.steps() {
		p.printf("  %d. %s\n", i+1, step.title)
	}
	p.printf("\n--format az, terraform or bicep prints the steps, --format rollback those that undo them.\n")
	return p.err
}

func (s *splitting) needs(p *printer, title string, needs []minimize.Need) {
	if len(needs) == 0 {
		return
	}
	p.printf("\n%s\n", bold(title))
	for _, n := range needs {
		p.printf("  %s at %s\n", n.Operation, n.Scope)
	}
}

// splitStep is a part of the migration. Between two of them everything works.
type splitStep struct {
	title string
	lines []string // az
}

// steps are the migration in order: nothing is taken away before what replaces it was seen
// to work.
func (s *splitting) steps() []splitStep {
	create := splitStep{title: "make the identities with their grants; nothing uses them yet"}
	attach := splitStep{title: "attach each to its workload, beside " + s.shared.Resource.Name()}
	change := splitStep{title: "let each workload ask for its own identity, and start it anew: a process keeps the identity it began with"}
	watch := splitStep{title: "observe: no refusals of the new identities, and no use of the old one, for as long as the rarest job takes"}
	detach := splitStep{title: "remove " + s.shared.Resource.Name() + " from the workloads and take its grants back; tokens that were issued live for up to 24 hours"}
	confirm := splitStep{title: "confirm: access tests pass, and what was unattributed is trimmed by the logs of each; then delete the old identity"}
	for i := range s.parts {
		p := &s.parts[i]
		create.lines = append(create.lines, s.azMake(p)...)
		if p.Federation != nil {
			attach.lines = append(attach.lines, azFederation(p.Federation, p.Identity))
			change.lines = append(change.lines, "# "+p.title()+": sign in with the client ID of "+p.Identity.Name())
			detach.lines = append(detach.lines, vet.AzCommands([]mivet.Edit{{Kind: mivet.EditRemoveFederation, Federation: p.Federation}})...)
		} else {
			attach.lines = append(attach.lines, vet.AzCommands([]mivet.Edit{{Kind: mivet.EditAttachIdentity, Resource: p.Workload, Identity: p.Identity}})...)
			change.lines = append(change.lines, "# "+p.Workload.Name()+": where it names a client ID (AZURE_CLIENT_ID, the identity of a connection or a reference), name that of", "az identity show --ids "+azQuote(p.Identity.String())+" --query clientId --output tsv")
			detach.lines = append(detach.lines, vet.AzCommands([]mivet.Edit{{Kind: mivet.EditDetachIdentity, Resource: p.Workload, Identity: s.shared.Resource}})...)
		}
		confirm.lines = append(confirm.lines, "mivet trim "+azQuote(p.Identity.Name())+" --in new.mivet --logs exported/")
	}
	watch.lines = []string{"mivet usage " + azQuote(s.shared.Resource.Name()) + " --in new.mivet --logs exported/"}
	detach.lines = append(detach.lines, vet.AzCommands(removals(s.replaced))...)
	confirm.lines = append(confirm.lines, "mivet test --in new.mivet", "az identity delete --ids "+azQuote(s.shared.Resource.String()))
	return []splitStep{create, attach, change, watch, detach, confirm}
}

// azMake makes an identity with its grants.
func (s *splitting) azMake(p *splitPart) []string {
	line := "az identity create --name " + azQuote(p.Identity.Name()) + " --resource-group " + azQuote(p.Identity.ResourceGroup()) + " --subscription " + azQuote(p.Identity.SubscriptionID())
	if p.Location != "" {
		line += " --location " + azQuote(p.Location)
	}
	variable := strings.ToUpper(p.Symbol)
	out := []string{line, variable + "=$(az identity show --ids " + azQuote(p.Identity.String()) + " --query principalId --output tsv)"}
	const stand = "00000000-0000-0000-0000-000000000000"
	for _, c := range vet.AzCommands(s.grants(p, stand)) {
		out = append(out, strings.Replace(c, "--assignee-object-id "+stand, `--assignee-object-id "$`+variable+`"`, 1))
	}
	return out
}

func azFederation(c *mivet.FederatedCredential, identity arm.ID) string {
	var line strings.Builder
	line.WriteString("az identity federated-credential create --name " + azQuote(c.Name) + " --identity-name " + azQuote(identity.Name()) + " --resource-group " + azQuote(identity.ResourceGroup()) +
		" --issuer " + azQuote(c.Issuer) + " --subject " + azQuote(c.Subject))
	for _, a := range c.Audiences {
		line.WriteString(" --audiences " + azQuote(a))
	}
	return line.String()
}

// azQuote quotes a text for a shell, where it has to be.
func azQuote(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/-_.:@=", r)
	}) < 0 {
		return s
	}
	return shellQuoted(s)
}

func (s *splitting) head(mark string) string {
	return fmt.Sprintf("%s%s: one identity for each of %s\n%schecked on a copy: each holds what it needs, and none holds anything that the shared one does not\n",
		mark, strings.ReplaceAll(s.title(s.who), "\n", " "), counted(len(s.parts), "workload"), mark)
}

func (s *splitting) az() string {
	var b strings.Builder
	b.WriteString(s.head("# "))
	for i, step := range s.steps() {
		fmt.Fprintf(&b, "\n# %d. %s\n%s\n", i+1, step.title, strings.Join(step.lines, "\n"))
	}
	return b.String()
}

// edits give all parts their grants, to principals that the file itself makes.
func (s *splitting) edits(owner func(p *splitPart) string) []mivet.Edit {
	var out []mivet.Edit
	for i := range s.parts {
		out = append(out, s.grants(&s.parts[i], mivet.SymbolicPrincipal(owner(&s.parts[i])))...)
	}
	return out
}

// later are the steps that no file declares before they are due.
func (s *splitting) later(mark string) string {
	var b strings.Builder
	for i, step := range s.steps() {
		if i > 0 {
			fmt.Fprintf(&b, "%s%d. %s\n", mark, i+1, step.title)
		}
	}
	return b.String()
}

func (s *splitting) terraform() string {
	var b strings.Builder
	b.WriteString(s.head("# ") + "\n# 1. " + s.steps()[0].title + "\n")
	for i := range s.parts {
		p := &s.parts[i]
		fmt.Fprintf(&b, "resource \"azurerm_user_assigned_identity\" \"%s\" {\n  name                = %s\n  resource_group_name = %s\n  location            = %s\n}\n",
			p.Symbol, hclQuote(p.Identity.Name()), hclQuote(p.Identity.ResourceGroup()), hclQuote(locationOf(p)))
		if p.Federation != nil {
			c := p.Federation
			fmt.Fprintf(&b, "resource \"azurerm_federated_identity_credential\" \"%s\" {\n  name                = %s\n  resource_group_name = %s\n  parent_id           = azurerm_user_assigned_identity.%s.id\n  issuer              = %s\n  subject             = %s\n  audience            = %s\n}\n",
				p.Symbol, hclQuote(c.Name), hclQuote(p.Identity.ResourceGroup()), p.Symbol, hclQuote(c.Issuer), hclQuote(c.Subject), quotedList(c.Audiences))
		}
	}
	b.WriteString(vet.Terraform(s.edits(func(p *splitPart) string { return "azurerm_user_assigned_identity." + p.Symbol })))
	b.WriteString("\n" + s.later("# "))
	for i := range s.parts {
		if p := &s.parts[i]; p.Federation == nil {
			fmt.Fprintf(&b, "# step 2, in the identity block of %s: identity_ids = [..., azurerm_user_assigned_identity.%s.id]\n", p.Workload.Name(), p.Symbol)
		}
	}
	b.WriteString(vet.Terraform(removals(s.replaced)))
	return b.String()
}

func quotedList(l []string) string {
	var out []string
	for _, s := range l {
		out = append(out, hclQuote(s))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// back undoes edits of assignments, which all can be undone.
func back(edits []mivet.Edit) []mivet.Edit {
	out, _ := vet.Inverse(edits)
	return out
}

// locationOf is where the new identity lies; the input may not tell.
func locationOf(p *splitPart) string {
	if p.Location == "" {
		return "<location>"
	}
	return p.Location
}

func (s *splitting) bicep() string {
	var b strings.Builder
	b.WriteString(s.head("// ") + "\n// 1. " + s.steps()[0].title + "\n")
	for i := range s.parts {
		p := &s.parts[i]
		fmt.Fprintf(&b, "resource %s 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {\n  name: %s\n  location: %s\n}\n", p.Symbol, bicepQuote(p.Identity.Name()), bicepQuote(locationOf(p)))
		if c := p.Federation; c != nil {
			var audiences []string
			for _, a := range c.Audiences {
				audiences = append(audiences, bicepQuote(a))
			}
			fmt.Fprintf(&b, "resource %sFederation 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = {\n  parent: %s\n  name: %s\n  properties: {\n    issuer: %s\n    subject: %s\n    audiences: [%s]\n  }\n}\n",
				p.Symbol, p.Symbol, bicepQuote(c.Name), bicepQuote(c.Issuer), bicepQuote(c.Subject), strings.Join(audiences, ", "))
		}
	}
	b.WriteString(vet.Bicep(s.edits(func(p *splitPart) string { return p.Symbol })))
	b.WriteString("\n" + s.later("// "))
	for i := range s.parts {
		if p := &s.parts[i]; p.Federation == nil {
			fmt.Fprintf(&b, "// step 2, in the identity of %s: userAssignedIdentities: { ..., '${%s.id}': {} }\n", p.Workload.Name(), p.Symbol)
		}
	}
	b.WriteString(vet.Bicep(removals(s.replaced)))
	return b.String()
}

// hclQuote quotes a text so that it stands for itself.
func hclQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "${", "$${", "%{", "%%{").Replace(s) + `"`
}

func bicepQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "${", `\${`).Replace(s) + "'"
}

// rollback undoes the steps, the last first. The old identity is deleted by hand and last
// of all, so that it is still there to go back to.
func (s *splitting) rollback() string {
	var b strings.Builder
	b.WriteString(s.head("# back: "))
	b.WriteString("# back: this works until the old identity is deleted\n\n# its grants and where it was attached\n")
	for _, c := range vet.AzCommands(back(removals(s.replaced))) {
		b.WriteString(c + "\n")
	}
	var detach []string
	for i := range s.parts {
		p := &s.parts[i]
		if p.Federation != nil {
			b.WriteString(azFederation(p.Federation, s.shared.Resource) + "\n")
			continue
		}
		for _, c := range vet.AzCommands([]mivet.Edit{{Kind: mivet.EditAttachIdentity, Resource: p.Workload, Identity: s.shared.Resource}}) {
			b.WriteString(c + "\n")
		}
		detach = append(detach, vet.AzCommands([]mivet.Edit{{Kind: mivet.EditDetachIdentity, Resource: p.Workload, Identity: p.Identity}})...)
	}
	b.WriteString("\n# let each workload ask for the old identity again, and start it anew\naz identity show --ids " + azQuote(s.shared.Resource.String()) + " --query clientId --output tsv\n\n# the new identities; their grants are deleted first, which the end of an identity does not do\n")
	for i := range s.parts {
		p := &s.parts[i]
		variable := strings.ToUpper(p.Symbol)
		b.WriteString(variable + "=$(az identity show --ids " + azQuote(p.Identity.String()) + " --query principalId --output tsv)\n")
		const stand = "00000000-0000-0000-0000-000000000000"
		for _, c := range vet.AzCommands(back(s.grants(p, stand))) {
			b.WriteString(strings.Replace(c, "--assignee "+stand, `--assignee "$`+variable+`"`, 1) + "\n")
		}
	}
	b.WriteString(strings.Join(detach, "\n"))
	if len(detach) > 0 {
		b.WriteString("\n")
	}
	for i := range s.parts {
		b.WriteString("az identity delete --ids " + azQuote(s.parts[i].Identity.String()) + "\n")
	}
	return b.String()
}
