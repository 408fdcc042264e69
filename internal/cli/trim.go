// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/catalog"
	"github.com/mivet/mivet/execpath"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/minimize"
	"github.com/mivet/mivet/usage"
	"github.com/mivet/mivet/vet"
)

const (
	formatRollback = "rollback"
	fromLogs       = "logs" // where needs come from that were seen to be used
)

type trimFlags struct {
	in    inputFlags
	out   output
	needs []string
	logs  []string
	split bool
}

func (a *app) trimCommand() *cobra.Command {
	var f trimFlags
	cmd := &cobra.Command{
		Use:     "trim IDENTITY [INPUT...]",
		Short:   "the smallest grants that give this identity what it needs, and the proof",
		GroupID: groupQuestions,
		Example: "  mivet trim orders-api --in prod.mivet\n" +
			"  mivet trim orders-api --in prod.mivet --logs insights-logs-auditevent.json\n" +
			"  mivet trim orders-api --in prod.mivet --need 'Microsoft.KeyVault/vaults/secrets/getSecret/action shop-kv'\n" +
			"  mivet trim orders-api --in prod.mivet --format az; mivet trim orders-api --in prod.mivet --format rollback\n" +
			"  mivet trim jobs --in prod.mivet --logs exported/ --split",
		Long: "What an identity needs is what its access tests say, what logs show that it was granted, and what\n" +
			"--need names. The proposal covers all of it with roles that exist, gives nothing anywhere that is\n" +
			"not given today, and carries the least risk: each operation counts by what it does (read 1, change\n" +
			"4, twice that for data, 200 where it is a way to act as somebody else or to give rights) and over\n" +
			"how many resources it reaches. A grant costs 3 in itself, and 1,000 more where its role is made for\n" +
			"another product than the one whose operations are needed: the one it is named after, or that half of\n" +
			"what it gives belongs to. Proposals that are better in one of these respects are listed beside it.\n\n" +
			"It is made on a copy and checked there: every need and every access test that held before holds\n" +
			"after, and no operation is granted that was not. Only role assignments of the identity itself,\n" +
			"without a condition, are replaced. What no log can show is in no log: a right that is needed once a\n" +
			"year, or that reads the control plane, has to be named with --need. Nothing is changed by mivet.\n\n" +
			"--split plans an identity of its own for each workload that presents a shared one: a resource that\n" +
			"carries it, or a federated credential. What logs attribute to a workload (the host of the token, the\n" +
			"credential, the address, the client) it gets; what nothing attributes each gets, until the logs of\n" +
			"the new identities tell. No new identity can do what the shared one cannot.\n\n" +
			"Exit code 1: there is something to trim; 4: needs cannot be decided.",
		Args: a.args(1, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.trim(ctx, &f, args) }),
	}
	f.in.register(cmd)
	f.out.register(cmd, formatText, formatJSON, fixAz, fixTerraform, fixBicep, formatRollback)
	cmd.Flags().StringArrayVar(&f.needs, "need", nil, "a right that must stay: \"OPERATION RESOURCE\"; may be repeated")
	cmd.Flags().StringArrayVar(&f.logs, "logs", nil, "take what this file or folder of log entries shows as used; may be repeated")
	cmd.Flags().BoolVar(&f.split, "split", false, "one identity for each workload that presents this one, by what logs attribute to each")
	cmd.ValidArgsFunction = a.completeArgs(&f.in, completeIdentity)
	return cmd
}

// trimming is one run of the command.
type trimming struct {
	*questions
	cat  *catalog.Catalog
	who  mivet.PrincipalID
	from map[string]int // how many needs come from where
	seen map[string]bool

	named    map[string]bool  // needs that not only logs tell of
	uses     map[string]*span // of needs that logs tell of
	origins  []usage.Origin
	originAt map[string]int
	replayed *replay

	needs     []minimize.Need
	kept      []minimize.Need // covered by grants that stay as they are
	open      []minimize.Need // the others of needs
	undecided []minimize.Need
	notHeld   []minimize.Need
	stay      []mivet.RoleAssignment // of the identity, and not replaced
	replaced  []*mivet.RoleAssignment

	proposal     *minimize.Proposal
	others       []*minimize.Proposal
	roles        *minimize.Roles // those that may be given; nil until it is asked
	above        map[arm.Key]arm.ID
	edits        []mivet.Edit
	before       weighed
	after        weighed
	exact        int64 // the risk of the needs themselves
	difference   authz.Difference
	pathsCut     int
	authorityCut int
}

// weighed is what an identity holds through the assignments in question.
type weighed struct {
	Grants int   `json:"grants"`
	Risk   int64 `json:"risk"`
}

func (a *app) trim(ctx context.Context, f *trimFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	t := &trimming{from: map[string]int{}, seen: map[string]bool{}, named: map[string]bool{}}
	var err error
	if t.cat, err = a.catalog(); err != nil {
		return exitFailed, err
	}
	r, err := a.read(ctx, &f.in, args[1:])
	if err != nil {
		return exitFailed, err
	}
	t.questions = &questions{app: a, at: firstTime(time.Time{}, r.snap.TakenAt, a.Clock()), resolver: newResolver(r.snap)}
	t.engine = authz.New(r.snap, authz.Options{Catalog: t.cat, At: t.at})
	if t.who, err = t.principal(ctx, args[0]); err != nil {
		return exitFailed, err
	}
	if err := t.collect(ctx, f); err != nil {
		return exitFailed, err
	}
	if len(t.seen) == 0 {
		return exitUsage, errorWithHint(usagef("nothing tells what %s needs", t.title(t.who)),
			"give --logs FILE, or --need \"OPERATION RESOURCE\", or write access tests (\"can …\") into the tenant or the contract")
	}
	if err := t.propose(); err != nil {
		return exitFailed, err
	}
	write := t.write
	if f.split {
		s, err := t.split()
		if err != nil {
			return exitFound, err
		}
		write = s.write
	} else if err := t.prove(); err != nil {
		return exitFound, err
	}
	if err := a.emit(&f.out, write); err != nil {
		return exitFailed, err
	}
	switch {
	case len(t.undecided) > 0:
		return exitUndecided, nil
	case f.split || len(t.edits) > 0:
		return exitFound, nil
	}
	return exitOK, nil
}

// collect gathers the needs from all sources.
func (t *trimming) collect(ctx context.Context, f *trimFlags) error {
	for _, x := range t.snap.AccessTests {
		if x.Principal == t.who && x.Allowed {
			t.need("access tests", x.Operation, x.Plane, x.Resource)
		}
	}
	for _, text := range f.needs {
		word, where, ok := strings.Cut(strings.TrimSpace(text), " ")
		if !ok {
			return usagef("--need %q is no \"OPERATION RESOURCE\"", text)
		}
		op, err := t.operation(word)
		if err != nil {
			return err
		}
		id, err := t.scope(ctx, strings.TrimSpace(where), op.Provider())
		if err != nil {
			return err
		}
		t.need("--need", op, mivet.PlaneUnknown, id)
	}
	for _, file := range f.logs {
		if err := t.readLog(ctx, file); err != nil {
			return err
		}
	}
	return nil
}

// readLog takes what an identity was granted by a log.
func (t *trimming) readLog(ctx context.Context, path string) error {
	r, err := eachEntry(ctx, path, t.app.Stdin, func(e *logs.Entry, _ []byte, at mivet.Source) error {
		if !e.Use() || e.Granted != logs.Granted || mivet.NewPrincipalID(string(e.Principal)) != t.who {
			return nil
		}
		if err := t.used(e); err != nil {
			t.app.note("%s, line %d: %v", at.Origin.File, at.Line, err)
		}
		return nil
	})
	if err != nil {
		return errorWithHint(err, "--logs takes files and folders of log entries")
	}
	t.app.tellFaults(r)
	return nil
}

// used adds the rights that an entry shows. Of alternatives the first that is held counts.
func (t *trimming) used(e *logs.Entry) error {
	scope, err := arm.ParseID(string(e.Scope))
	if err != nil {
		return err
	}
	scope = t.spelled(scope)
	var held []arm.Operation
	for way := range strings.SplitSeq(string(e.Action), "|") {
		var all []arm.Operation
		holds := true
		for text := range strings.SplitSeq(way, "+") {
			op, err := arm.ParseOperation(text)
			if err != nil {
				return err
			}
			all = append(all, op)
			holds = holds && t.engine.Check(authz.Request{Principal: t.who, Operation: op, Plane: e.Plane, Resource: scope}).Effect == authz.Allowed
		}
		if held == nil || holds {
			held = all
		}
		if holds {
			break
		}
	}
	for _, op := range held {
		t.noteUse(t.need(fromLogs, op, e.Plane, scope), e)
	}
	return nil
}

// spelled writes a scope as the input does; logs write it in lower case.
func (t *trimming) spelled(scope arm.ID) arm.ID {
	for at := scope; at.Level() == arm.LevelResource; at = at.Parent() {
		if r := t.index.Resource(at); r != nil {
			if id, err := arm.ParseID(r.ID.String() + scope.String()[len(at.String()):]); err == nil {
				return id
			}
		}
	}
	return scope
}

// need adds a right that must stay, and sorts it by what gives it today. It returns the
// key of the right.
func (t *trimming) need(source string, op arm.Operation, plane mivet.Plane, scope arm.ID) string {
	d := t.engine.Explain(authz.Request{Principal: t.who, Operation: op, Plane: plane, Resource: scope})
	n := minimize.Need{Operation: op, Plane: d.Plane, Scope: scope}
	key := needKey(&n)
	if source != fromLogs {
		t.named[key] = true
	}
	if t.seen[key] {
		return key
	}
	t.seen[key] = true
	t.from[source]++
	switch d.Effect {
	case authz.Allowed:
		t.needs = append(t.needs, n)
	case authz.Denied:
		t.notHeld = append(t.notHeld, n)
	default:
		t.undecided = append(t.undecided, n)
	}
	return key
}

// propose finds the grants that take the place of the identity's own.
func (t *trimming) propose() error {
	for i := range t.snap.RoleAssignments {
		a := &t.snap.RoleAssignments[i]
		switch {
		case a.Principal != t.who || slices.ContainsFunc(t.replaced, func(b *mivet.RoleAssignment) bool { return vet.SameAssignment(a, b) }):
		case a.Condition != "" || a.ConditionUnknown || t.definition(a) == nil:
			t.stay = append(t.stay, *a)
		default:
			t.replaced = append(t.replaced, a)
		}
	}
	without, err := vet.Apply(t.snap, removals(t.replaced))
	if err != nil {
		return err
	}
	e := authz.New(without, authz.Options{Catalog: t.cat, At: t.at})
	var open []minimize.Need
	for _, n := range t.needs {
		if e.Check(n.Request(t.who)).Effect == authz.Allowed {
			t.kept = append(t.kept, n)
		} else {
			open = append(open, n)
		}
	}
	t.open = open
	p, today := t.problem(open)
	if t.proposal, t.others, err = p.Front(); err != nil {
		return err
	}
	t.before = weighed{len(today), p.Risk(today)}
	t.after = weighed{len(t.proposal.Grants), t.proposal.Risk}
	t.exact = p.RiskOfNeeds()
	t.replayed = t.replayLogs()
	t.change()
	return nil
}

// problem puts the question to the search.
func (t *trimming) problem(open []minimize.Need) (*minimize.Problem, []minimize.Grant) {
	if t.roles == nil {
		var defs []*mivet.RoleDefinition
		seen := map[mivet.RoleID]bool{}
		for _, list := range [][]mivet.RoleDefinition{t.snap.RoleDefinitions, t.cat.Roles()} {
			for i := range list {
				if d := &list[i]; !seen[d.ID] {
					seen[d.ID] = true
					defs = append(defs, d)
				}
			}
		}
		t.roles = minimize.NewRoles(t.cat, defs, t.weight())
	}
	today := []minimize.Grant{}
	for _, a := range t.replaced {
		if d := t.roles.Find(t.definition(a).ID); d != nil {
			today = append(today, minimize.Grant{Role: d, Scope: a.Scope})
		}
	}
	return &minimize.Problem{Needs: open, Roles: t.roles, Today: today, Count: t.census(), Contains: t.holds}, today
}

// definition is the role of an assignment; nil where it is not known.
func (t *trimming) definition(a *mivet.RoleAssignment) *mivet.RoleDefinition {
	if d := t.index.Role(a.Role); d != nil {
		return d
	}
	if d := t.cat.Role(a.Role); d != nil || a.Role != "" {
		return d
	}
	return t.cat.RoleByName(a.RoleName)
}

// escalation is the weight of an operation with which one acts as another or gives rights.
const escalation = 200

// weight rates operations: those of a known technique weigh as much as what they lead to.
func (t *trimming) weight() func(arm.Operation, mivet.Plane) int {
	leads := map[arm.Key]bool{}
	if table, err := execpath.Builtin(); err == nil {
		for _, technique := range table.Techniques() {
			for _, w := range technique.Ways {
				for _, n := range w.Needs {
					leads[arm.Fold(n.Operation)] = true
				}
			}
		}
	}
	return func(op arm.Operation, plane mivet.Plane) int {
		w := minimize.Weight(op, plane)
		if leads[op.Key()] && !strings.HasSuffix(string(op.Key()), "/read") {
			w = escalation
		}
		return w
	}
}

// holds reports whether a grant at a scope reaches another. A management group is not in
// the names of what is below it.
func (t *trimming) holds(scope, below arm.ID) bool {
	if scope.Contains(below) {
		return true
	}
	if t.above == nil {
		t.above = map[arm.Key]arm.ID{}
		for i := range t.snap.Subscriptions {
			t.above[t.snap.Subscriptions[i].ID.Key()] = t.snap.Subscriptions[i].Parent
		}
		for i := range t.snap.ManagementGroups {
			t.above[t.snap.ManagementGroups[i].ID.Key()] = t.snap.ManagementGroups[i].Parent
		}
	}
	at := below
	if sub := below.Subscription(); !sub.IsZero() {
		at = sub
	}
	for range t.snap.ManagementGroups { // as many steps as there are groups, should they form a circle
		if at = t.above[at.Key()]; at.IsZero() || scope.Equal(at) {
			return scope.Equal(at)
		}
	}
	return false
}

// census counts the resources of each provider at a scope.
func (t *trimming) census() func(scope arm.ID) map[string]int {
	counts := map[arm.Key]map[string]int{}
	return func(scope arm.ID) map[string]int {
		key := scope.Key()
		by, ok := counts[key]
		if !ok {
			by = map[string]int{}
			for i := range t.snap.Resources {
				if id := t.snap.Resources[i].ID; t.holds(scope, id) {
					p, _, _ := strings.Cut(id.Type(), "/")
					by[strings.ToLower(p)]++
				}
			}
			counts[key] = by
		}
		return by
	}
}

func removals(list []*mivet.RoleAssignment) []mivet.Edit {
	var out []mivet.Edit
	for _, a := range list {
		out = append(out, mivet.Edit{Kind: mivet.EditRemoveAssignment, Assignment: a})
	}
	return out
}

// change lists the edits: what is new first, so that access has no gap.
func (t *trimming) change() {
	var remove []*mivet.RoleAssignment
	kept := make([]bool, len(t.proposal.Grants))
	for _, a := range t.replaced {
		d := t.definition(a)
		i := slices.IndexFunc(t.proposal.Grants, func(g minimize.Grant) bool { return g.Role.ID == d.ID && g.Scope.Equal(a.Scope) })
		if i >= 0 && !kept[i] {
			kept[i] = true
			continue
		}
		remove = append(remove, a)
	}
	kind := mivet.TypeServicePrincipal
	if len(t.replaced) > 0 && t.replaced[0].PrincipalType != "" {
		kind = t.replaced[0].PrincipalType
	}
	for i, g := range t.proposal.Grants {
		if !kept[i] {
			t.edits = append(t.edits, mivet.Edit{Kind: mivet.EditAddAssignment, Assignment: &mivet.RoleAssignment{
				Role: g.Role.ID, RoleName: g.Role.Name, Principal: t.who, PrincipalType: kind, Scope: g.Scope,
			}})
		}
	}
	t.edits = append(t.edits, removals(remove)...)
}

// errTrim says that a proposal does not hold.
var errTrim = errors.New("the proposal was checked and does not hold, so it is not shown")

// prove makes the change on a copy and looks at it with the engine.
func (t *trimming) prove() error {
	after, err := vet.Apply(t.snap, t.edits)
	if err != nil {
		return fmt.Errorf("%w: %w", errTrim, err)
	}
	e := authz.New(after, authz.Options{Catalog: t.cat, At: t.at})
	for _, n := range t.needs {
		if d := e.Check(n.Request(t.who)); d.Effect != authz.Allowed {
			return fmt.Errorf("%w: %s at %s would be %s", errTrim, n.Operation, n.Scope, d.Effect)
		}
	}
	if broken := vet.BrokenTests(t.snap, after, t.cat); len(broken) > 0 {
		return fmt.Errorf("%w: it breaks %s, the first at %s", errTrim, counted(len(broken), "access test"), broken[0].Source)
	}
	who := []mivet.PrincipalID{t.who}
	t.difference = authz.Equivalent(authz.Side{Engine: t.engine, Principals: who, At: t.at}, authz.Side{Engine: e, Principals: who, At: t.at}, authz.Extent{})
	if x := t.difference.OnlyB; len(x) > 0 {
		return fmt.Errorf("%w: it would give %s at %s, which is not given today", errTrim, x[0].Operations[0], x[0].Scope)
	}
	table, err := execpath.Builtin()
	if err != nil {
		return err
	}
	o := execpath.Options{Catalog: t.cat, Table: table, At: t.at}
	old, now := execpath.New(t.snap, t.engine, o).BlastOf(t.who), execpath.New(after, e, o).BlastOf(t.who)
	t.pathsCut, t.authorityCut = len(old.Paths)-len(now.Paths), len(old.Authority)-len(now.Authority)
	return nil
}
