// SPDX-License-Identifier: Apache-2.0

package presented

import (
	_ "embed" // the rule's page
	"fmt"
	"maps"
	"slices"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/effective"
	"github.com/mivet/mivet/vet"
)

//go:embed swap_breaks_selector.md
var swapBreaksDoc string

// SwapBreaksSelector finds settings of slots that select an identity which is not on the other
// side of a swap.
var SwapBreaksSelector = &vet.Rule{
	ID:       "swap-breaks-selector",
	Title:    "A setting moves with a swap, and the identity that it selects does not",
	Doc:      swapBreaksDoc,
	Category: "presented",
	Severity: mivet.SeverityHigh,
	Class:    "workload-wrong-identity",
	Needs:    []mivet.FactKind{mivet.FactResources, mivet.FactIdentities},
	Since:    "0.1.0",
	Sources: []vet.Citation{
		{
			Title: "Set up staging environments in Azure App Service", Read: "2026-11-30",
			URL: "https://learn.microsoft.com/azure/app-service/deploy-staging-slots",
		},
	},
	Check: checkSwaps,
}

const slotType = "microsoft.web/sites/slots"

func isSlot(r *mivet.Resource) bool { return arm.Fold(r.ID.Type()) == slotType }

func checkSwaps(p *vet.Pass) error {
	for _, slot := range inOrder(p, is(slotType), anyResource) {
		site := p.Index().Resource(slot.ID.Parent())
		if site == nil {
			continue
		}
		s, read := effective.Swapped(p.Index(), site, slot)
		if !read {
			if gap := p.Gap(mivet.FactAppSettings, slot.ID); gap != nil && (choices(slot) > 0 || choices(site) > 0) {
				p.Blocked(mivet.Subject{Resource: slot.ID}, gap)
			}
			continue
		}
		sides := []struct {
			before, after *effective.Carrier
			to            string
		}{
			{effective.NewCarrier(p.Index(), slot), s.Site, "production"},
			{effective.NewCarrier(p.Index(), site), s.Slot, "the slot " + slot.ID.Name()},
		}
		broken := 0
		for _, side := range sides {
			was, now := wrongSelectors(side.before), wrongSelectors(side.after)
			for _, path := range slices.Sorted(maps.Keys(now)) {
				if _, before := was[path]; before {
					continue // it does not work where it is, which is another finding
				}
				if broken++; s.Read {
					p.Report(swapFinding(p, slot, side.before.Resource, side.after.Resource, path, now[path], side.to))
				}
			}
		}
		switch {
		case broken > 0 && !s.Read:
			p.Unassessed(vet.Undecided{
				Subject: mivet.Subject{Resource: slot.ID, Name: slot.ID.Name()}, Source: slot.Source, Facts: mivet.FactAppSettings,
				Reason: "which settings of the site stay with their slot was not read, and one that selects an identity would not work on the other side",
			})
		case broken == 0:
			p.Pass()
		}
	}
	return nil
}

// wrongSelectors are the settings of a site that select an identity which it does not carry,
// with why they do not work.
func wrongSelectors(w *effective.Carrier) map[string]string {
	out := map[string]string{}
	all, err := w.Selections()
	if err != nil {
		return nil // the embedded data cannot be read: every test of that package fails
	}
	for i := range all {
		if c := &all[i]; c.Status == effective.Wrong && isSetting(c.Path) {
			out[c.Path] = c.Why
		}
	}
	env, _ := w.Variables()
	if path, _ := w.VariablePath(clientIDVariable); asksIdentity(env) {
		if m, known := w.Attached(env[clientIDVariable]); m == nil && known {
			out[path] = "no attached identity has that client ID"
		}
	}
	return out
}

// stays marks a setting to stay with its slot.
func stays(p *vet.Pass, site arm.ID, name string) mivet.Edit {
	n := 0
	path := func() string { return fmt.Sprintf("slotConfigNames.appSettingNames[%d]", n) }
	if r := p.Index().Resource(site); r != nil {
		for _, taken := r.Setting(path()); taken; _, taken = r.Setting(path()) {
			n++
		}
	}
	return mivet.Edit{Kind: mivet.EditSetSetting, Resource: site, Name: path(), Value: name}
}

func isSetting(path string) bool {
	const settings = "siteConfig.appSettings."
	return len(path) > len(settings) && path[:len(settings)] == settings
}

func swapFinding(p *vet.Pass, slot, from, to *mivet.Resource, path, why, place string) mivet.Finding {
	name := path[len("siteConfig.appSettings."):]
	f := mivet.Finding{
		Subject: mivet.Subject{Resource: slot.ID, Name: slot.ID.Name()}, Source: slot.Source, Discriminator: string(to.ID.Key()) + " " + name,
		Message: fmt.Sprintf("a swap takes %s of %s to %s, where it selects an identity that is not attached",
			name, what(from), place),
		Consequence: "what uses the setting gets no token after the swap: settings move, and identities stay where they are",
		Evidence: []mivet.Evidence{
			{Kind: mivet.Configured, Source: from.Source, Fact: fmt.Sprintf("%s of %s is not among the settings that stay with their slot", name, what(from))},
			{Kind: mivet.Predicted, Source: to.Source, Fact: fmt.Sprintf("on %s after the swap: %s", what(to), why)},
		},
		Fix: mivet.Fix{
			Summary: fmt.Sprintf("let %s stay with its slot, with the value for each side, or attach the same identity to both", name),
			Check:   "which identity each side is meant to present",
			Edits:   []mivet.Edit{stays(p, slot.ID.Parent(), name)},
		},
	}
	value, _ := from.Setting(path)
	f.Fix.Command = "az webapp config appsettings set --name " + slot.ID.Parent().Name()
	if isSlot(from) {
		f.Fix.Command += " --slot " + slot.ID.Name()
	}
	f.Fix.Command += " --resource-group " + slot.ID.ResourceGroup() + " --slot-settings " + name + "=" + value
	if isSlot(to) {
		f.Severity = mivet.SeverityMedium
	}
	return f
}
