// SPDX-License-Identifier: Apache-2.0

package review

import (
	"cmp"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/provenance"
)

// told tells who enabled an identity, who made its grants and who deployed last. Without a
// log of activity the facts alone tell who made a grant.
func (b *builder) told(x *Identity, id *mivet.Identity) {
	x.Enabled, x.Deployed = "not known: "+provenance.NoLog, []string{}
	if b.Activity == nil {
		return
	}
	story := b.Activity.Story(id.Principal)
	x.Enabled = b.act(&story.Enabled)
	for i := range story.Workloads {
		w := &story.Workloads[i]
		x.Deployed = append(x.Deployed, w.Workload.Name()+": "+b.act(&w.Deployed))
	}
	b.made = map[string]*provenance.Act{}
	for i := range story.Grants {
		b.made[assignmentRow(story.Grants[i].Grant).ID] = &story.Grants[i].Made
	}
}

// act says who did something and when, or why that is not known.
func (b *builder) act(a *provenance.Act) string {
	if !a.Known() {
		return "not known: " + a.Gap
	}
	text := b.caller(a.By)
	if !a.At.IsZero() {
		text += " on " + day(a.At)
	}
	if a.What != "" {
		text += ", " + a.What
	}
	if !a.Sure {
		text += " (perhaps)"
	}
	return text
}

func (b *builder) caller(c provenance.Caller) string {
	if c.Name != "" || c.ID == "" {
		return cmp.Or(c.Name, c.App)
	}
	return b.title(c.ID)
}

// promised says of a grant that was meant for a time whether that time is over.
func (b *builder) promised(a *mivet.RoleAssignment) string {
	p := provenance.PromiseOf(a)
	if p == nil {
		return ""
	}
	broken, decided := p.Broken(a.CreatedOn, b.At)
	switch {
	case broken:
		return "it was promised to end, and is there"
	case decided:
		return "it is promised to end"
	}
	return "it is promised to end, and since when it is there is not known"
}
