// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/execpath"
	"github.com/mivet/mivet/review"
	"github.com/mivet/mivet/vet"
)

type diffFlags struct {
	out output
	all bool
}

func (a *app) diffCommand() *cobra.Command {
	var f diffFlags
	cmd := &cobra.Command{
		Use:     "diff BEFORE AFTER",
		Short:   "what changed between two inputs of one tenant: identities, access, and who can act as whom",
		GroupID: groupQuestions,
		Example: "  mivet diff monday.mivet today.mivet\n" +
			"  mivet diff monday.mivet today.mivet --format json",
		Long: "Compares two snapshots, or other inputs, of one tenant: identities that came, went, or were born\n" +
			"anew with another principal; access that principals gained and lost, by operation and scope, with\n" +
			"who made the new grants; groups, permissions and credentials of identities; who\n" +
			"can act as an identity now and could not before, and the other way round. A change of access is\n" +
			"shown beside the change of what runs with that identity, or it is said that there is none.\n\n" +
			"Exit code 1: something changed; 4: nothing did, as far as it can be decided.",
		Args: a.args(2, 2),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.diff(ctx, &f, args) }),
	}
	f.out.register(cmd, formatText, formatJSON)
	cmd.Flags().BoolVar(&f.all, "all", false, "text: name every operation, however many there are")
	return cmd
}

// differing is one run of the command.
type differing struct {
	all    bool
	of     [2]*questions
	graphs [2]*execpath.Graph

	identities []identityChange
	access     authz.Difference
	paths      []actorChange
	drifts     []execpath.Drift
	others     []grantChangeJSON
	cat        *catalog.Catalog
	covers     func(scope, below arm.ID) bool // of the later side
	inv        [2]*review.Inventory
	fresh      map[mivet.PrincipalID][]*mivet.RoleAssignment
}

// The ways in which an identity changes.
const (
	identityBorn     = "born"
	identityGone     = "gone"
	identityRecycled = "recycled"
)

// identityChange is what became of an identity.
type identityChange struct {
	What     string            `json:"what"`
	Resource arm.ID            `json:"resource"`
	Before   mivet.PrincipalID `json:"before,omitzero"`
	After    mivet.PrincipalID `json:"after,omitzero"`
}

// actorChange is somebody who can act as an identity on one side alone.
type actorChange struct {
	opened   bool
	identity mivet.PrincipalID
	actor    mivet.PrincipalID
}

func (a *app) diff(ctx context.Context, f *diffFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	cat, err := a.catalog()
	if err != nil {
		return exitFailed, err
	}
	table, err := execpath.Builtin()
	if err != nil {
		return exitFailed, err
	}
	d := &differing{all: f.all, cat: cat}
	for i, file := range args {
		r, err := a.read(ctx, &inputFlags{}, []string{file})
		if err != nil {
			return exitFailed, err
		}
		q := &questions{app: a, at: firstTime(time.Time{}, r.snap.TakenAt, a.Clock()), resolver: newResolver(r.snap)}
		q.engine = authz.New(r.snap, authz.Options{Catalog: cat, At: q.at})
		d.of[i] = q
		d.graphs[i] = execpath.New(r.snap, q.engine, execpath.Options{Catalog: cat, Table: table, At: q.at})
	}
	d.covers, d.fresh = vet.Coverage(d.of[1].snap), map[mivet.PrincipalID][]*mivet.RoleAssignment{}
	d.inv = [2]*review.Inventory{review.NewInventory(d.of[0].snap), review.NewInventory(d.of[1].snap)}
	d.compare()
	if err := a.emit(&f.out, d.write); err != nil {
		return exitFailed, err
	}
	switch {
	case len(d.identities)+len(d.access.OnlyA)+len(d.access.OnlyB)+len(d.paths)+len(d.drifts)+len(d.others) > 0:
		return exitFound, nil
	case len(d.access.Undecided) > 0:
		return exitUndecided, nil
	}
	return exitOK, nil
}

func (d *differing) compare() {
	before, after := d.of[0], d.of[1]
	d.identities = identityChanges(before.snap, after.snap)
	d.access = authz.Equivalent(authz.Side{Engine: before.engine, At: before.at}, authz.Side{Engine: after.engine, At: after.at}, authz.Extent{})
	formerly := map[mivet.PrincipalID]mivet.PrincipalID{}
	var old, now []mivet.PrincipalID
	for _, c := range d.identities {
		if c.What == identityRecycled {
			old, now = append(old, c.Before), append(now, c.After)
			formerly[c.After] = c.Before
		}
	}
	if len(now) > 0 { // what the workload holds now, against what it held as somebody else
		x := authz.Equivalent(authz.Side{Engine: before.engine, At: before.at, Principals: old}, authz.Side{Engine: after.engine, At: after.at, Principals: now}, authz.Extent{})
		d.access.OnlyA = append(d.access.OnlyA, x.OnlyA...)
		d.access.OnlyB = append(d.access.OnlyB, x.OnlyB...)
		d.access.Undecided = append(d.access.Undecided, x.Undecided...)
	}
	for i := range after.snap.Identities {
		id := after.snap.Identities[i].Principal
		d.actors(cmp.Or(formerly[id], id), id)
	}
	d.drifts = execpath.Drifts(before.snap, after.snap)
	d.others = d.grants()
}

// identityChanges compares the identities of two snapshots by the resources that they
// belong to.
func identityChanges(before, after *mivet.Snapshot) []identityChange {
	type pair struct {
		resource arm.ID
		ids      [2]mivet.PrincipalID
	}
	found := map[string]*pair{}
	for side, s := range []*mivet.Snapshot{before, after} {
		for i := range s.Identities {
			id := &s.Identities[i]
			key := string(id.Resource.Key()) + "\x00" + string(id.Kind)
			p := found[key]
			if p == nil {
				p = &pair{resource: id.Resource}
				found[key] = p
			}
			p.ids[side] = id.Principal
		}
	}
	var out []identityChange
	for _, key := range slices.Sorted(maps.Keys(found)) {
		p := found[key]
		c := identityChange{Resource: p.resource, Before: p.ids[0], After: p.ids[1]}
		switch {
		case c.Before == c.After:
			continue
		case c.Before == "":
			c.What = identityBorn
		case c.After == "":
			c.What = identityGone
		default:
			c.What = identityRecycled
		}
		out = append(out, c)
	}
	return out
}

// actors compares who can surely act as an identity that both sides know, perhaps by
// another principal.
func (d *differing) actors(before, id mivet.PrincipalID) {
	if d.of[0].index.Identity(before) == nil {
		return
	}
	can := [2][]mivet.PrincipalID{d.graphs[0].ActorsOf(before).Reaching, d.graphs[1].ActorsOf(id).Reaching}
	for side := range can {
		for _, who := range can[side] {
			if slices.Contains(can[1-side], who) {
				continue
			}
			d.paths = append(d.paths, actorChange{side == 1, [2]mivet.PrincipalID{before, id}[side], who})
		}
	}
	slices.SortStableFunc(d.paths, func(a, b actorChange) int {
		return cmp.Or(strings.Compare(string(a.identity), string(b.identity)), strings.Compare(string(a.actor), string(b.actor)))
	})
}

// diffJSON is a comparison for machines.
type diffJSON struct {
	SchemaVersion int              `json:"schemaVersion"`
	Before        []string         `json:"before"`
	After         []string         `json:"after"`
	Identities    []identityChange `json:"identities"`
	// Lost, Gained and Undecided are access, by principal, operation and scope.
	Lost      []accessChangeJSON `json:"lost"`
	Gained    []accessChangeJSON `json:"gained"`
	Undecided []extraJSON        `json:"undecided"`
	// GrantsGained and GrantsLost are rights of identities beside the roles of Azure: groups,
	// eligible assignments, permissions of applications, roles of the directory, federated
	// credentials and lists of paths.
	GrantsGained []grantChangeJSON `json:"grantsGained"`
	GrantsLost   []grantChangeJSON `json:"grantsLost"`
	// Opened and Closed are paths: who can act as which identity.
	Opened []actorChangeJSON `json:"opened"`
	Closed []actorChangeJSON `json:"closed"`
	// Workloads are those that run something else than before; integrity tells what.
	Workloads []arm.ID `json:"workloads"`
}

type actorChangeJSON struct {
	Identity principalJSON `json:"identity"`
	Actor    principalJSON `json:"actor"`
}

func (d *differing) write(w io.Writer, format string, colour bool) error {
	if format == formatJSON {
		c := comparison{of: d.of}
		j := diffJSON{
			SchemaVersion: 1, Before: d.of[0].snap.Inputs, After: d.of[1].snap.Inputs, Identities: list(d.identities),
			Lost: d.accessJSON(d.access.OnlyA, 0), Gained: d.accessJSON(d.access.OnlyB, 1), Undecided: c.extras(d.access.Undecided),
			GrantsGained: []grantChangeJSON{}, GrantsLost: []grantChangeJSON{},
			Opened: []actorChangeJSON{}, Closed: []actorChangeJSON{}, Workloads: []arm.ID{},
		}
		for i := range d.drifts {
			j.Workloads = append(j.Workloads, d.drifts[i].Workload)
		}
		for _, x := range d.paths {
			if x.opened {
				j.Opened = append(j.Opened, actorChangeJSON{d.of[1].principalJSON(x.identity), d.of[1].principalJSON(x.actor)})
			} else {
				j.Closed = append(j.Closed, actorChangeJSON{d.of[0].principalJSON(x.identity), d.of[0].principalJSON(x.actor)})
			}
		}
		for _, x := range d.others {
			if x.gained {
				j.GrantsGained = append(j.GrantsGained, x)
			} else {
				j.GrantsLost = append(j.GrantsLost, x)
			}
		}
		return writeAnswer(w, "diff", j)
	}
	return d.text(newPrinter(w, colour))
}

func (d *differing) text(p *printer) error {
	p.printf("%s\n", bold(counted(len(d.identities), "identity change")+", access gained "+counted(len(d.access.OnlyB), "time")+" and lost "+counted(len(d.access.OnlyA), "time")+", "+
		counted(len(d.paths), "path")+" opened or closed"))
	for _, c := range d.identities {
		switch c.What {
		case identityRecycled:
			p.printf("  %s %s: principal %s became %s; grants of the old one reach nobody\n", red("-/+"), c.Resource, c.Before, c.After)
		case identityBorn:
			p.printf("  %s %s: principal %s\n", green("+"), c.Resource, c.After)
		default:
			p.printf("  %s %s: principal %s\n", red("-"), c.Resource, c.Before)
		}
	}
	d.accessText(p, "Access gained", d.access.OnlyB, 1)
	d.accessText(p, "Access lost", d.access.OnlyA, 0)
	d.accessText(p, "Not decided", d.access.Undecided, 1)
	if len(d.others) > 0 {
		p.printf("\n%s\n", bold("Beside roles: groups, permissions, credentials"))
		for _, x := range d.others {
			mark := red("-")
			if x.gained {
				mark = green("+")
			}
			p.printf("  %s %s: %s, %s\n", mark, x.Identity.Name, x.Kind, x.What)
		}
	}
	for side, title := range []string{"Paths closed", "Paths opened"} {
		first := true
		for _, x := range d.paths {
			if x.opened != (side == 1) {
				continue
			}
			if first {
				p.printf("\n%s\n", bold(title))
				first = false
			}
			actor, _ := d.of[side].describe(x.actor)
			as, _ := d.of[side].describe(x.identity)
			p.printf("  %s acts as %s; mivet path --from %s --to %s shows how\n", actor, as, x.actor, x.identity)
		}
	}
	if len(d.drifts) > 0 {
		p.printf("\n%s\n", bold("Other code or configuration runs"))
		for i := range d.drifts {
			p.printf("  %s; mivet integrity --since BEFORE AFTER shows what\n", d.drifts[i].Workload)
		}
	}
	return p.err
}

func (d *differing) accessText(p *printer, title string, list []authz.Extra, side int) {
	if len(list) == 0 {
		return
	}
	p.printf("\n%s\n", bold(title))
	c := comparison{flags: &equivalentFlags{all: d.all}, of: d.of}
	for i := range list {
		x := &list[i]
		p.printf("  %s\n", c.holder(x, side))
		c.extra(p, x)
		if title != "Not decided" {
			for _, m := range d.makers(x, side) {
				p.printf("    %-8s %s\n", "made", m)
			}
			p.printf("    %-8s %s\n", "beside", d.beside(x, side))
		}
	}
}

// beside says whether what runs with the identity changed together with its access.
func (d *differing) beside(x *authz.Extra, side int) string {
	who := [2]mivet.PrincipalID{x.A, x.B}[side]
	id := d.of[side].index.Identity(who)
	if id == nil {
		return "no workload is known to present it"
	}
	changed := ""
	d.of[side].index.Carriers(id, func(r *mivet.Resource) bool {
		i := slices.IndexFunc(d.drifts, func(f execpath.Drift) bool { return f.Workload.Equal(r.ID) })
		if i >= 0 {
			changed = "a change of what runs in " + r.ID.Name()
		}
		return i < 0
	})
	if changed == "" {
		return "no change of what runs with it"
	}
	return changed
}
