// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// questionFlags are what a question about access can be given beside its arguments.
type questionFlags struct {
	in    inputFlags
	out   output
	at    string
	plane string

	attributes    []string
	absent        []string
	subOperations []string
	complete      bool
}

func (f *questionFlags) register(cmd *cobra.Command) {
	f.in.register(cmd)
	f.out.register(cmd, formatText, formatJSON)
	fl := cmd.Flags()
	fl.StringVar(&f.at, "at", "", "the time of the question, such as 2026-11-01T09:00:00Z (default: when the input was taken, else now)")
	fl.Var(&choice{&f.plane, []string{"control", "data"}}, "plane", "the side of Azure that is asked: control, data (default: the operation's own)")
	fl.StringArrayVar(&f.attributes, "attr", nil, "what a condition looks at, written as in a condition: '@Request[NAME]=VALUE'; a repeated name makes a list")
	fl.StringArrayVar(&f.absent, "no-attr", nil, "an attribute that the request does not have: '@Request[NAME]'")
	fl.StringArrayVar(&f.subOperations, "suboperation", nil, `the suboperation of the request, such as Blob.List, or "none"`)
}

// questions is everything that is needed to ask.
type questions struct {
	*resolver
	engine *authz.Engine // nil until complete, where a part of the input is read later
	at     time.Time
	plane  mivet.Plane
	given  *abac.Env
	app    *app
	// rest is what is read once the identity is known, and unknown an identity of which no
	// fact spoke until then.
	rest    *rest
	unknown mivet.PrincipalID
	// inputs reads everything, where something was left out that no answer needs; nil where
	// nothing was.
	inputs func(context.Context) (*mivet.Snapshot, error)
}

// prepare reads the inputs and compiles the engine. If it is known what is asked, parts of
// a snapshot may be left out on which the answer does not hang; complete must be called
// then before the engine is used.
func (a *app) prepare(ctx context.Context, f *questionFlags, inputs []string, names *named) (*questions, error) {
	q := &questions{app: a}
	if err := q.plane.UnmarshalText([]byte(f.plane)); err != nil {
		return nil, &usageError{err}
	}
	at, err := parseTime(f.at)
	if err != nil {
		return nil, err
	}
	if q.given, err = f.environment(); err != nil {
		return nil, err
	}
	go a.catalog() //nolint:errcheck // an error comes again below
	r, err := a.readFor(ctx, &f.in, inputs, newNeed(names))
	if err != nil {
		return nil, err
	}
	if r.partial {
		q.inputs = func(ctx context.Context) (*mivet.Snapshot, error) { return a.readAgain(ctx, &f.in, inputs) }
	}
	q.at = firstTime(at, r.snap.TakenAt, a.Clock())
	q.resolver, q.rest = newResolver(r.snap), r.rest
	if q.rest != nil {
		return q, nil
	}
	return q, q.compile()
}

func firstTime(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t.UTC().Truncate(time.Second)
		}
	}
	return time.Time{}
}

// parseTime reads a time or a day; "" is the zero time.
func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errorWithHint(usagef("%q is not a time", s), "write 2026-11-01T09:00:00Z, or 2026-11-01 for the beginning of the day")
}

// environment is what the question tells about attributes. What it does not tell stays
// unknown.
func (f *questionFlags) environment() (*abac.Env, error) {
	if len(f.attributes)+len(f.absent)+len(f.subOperations) == 0 {
		return nil, nil
	}
	env := &abac.Env{}
	values := map[string][]string{}
	for _, text := range f.attributes {
		ref, value, found := strings.Cut(text, "]=")
		if !found {
			return nil, errorWithHint(usagef("--attr %q gives no value", text), "write --attr '@Request[NAME]=VALUE'")
		}
		values[ref+"]"] = append(values[ref+"]"], value)
	}
	for ref, list := range values {
		source, name, err := parseAttribute(ref)
		if err != nil {
			return nil, err
		}
		if len(list) == 1 {
			env.Set(source, name, abac.String(list[0]))
			continue
		}
		env.Set(source, name, abac.Strings(list...))
	}
	for _, ref := range f.absent {
		source, name, err := parseAttribute(ref)
		if err != nil {
			return nil, err
		}
		env.SetAbsent(source, name)
	}
	switch {
	case len(f.subOperations) == 1 && f.subOperations[0] == "none":
		env.SetSubOperations()
	case len(f.subOperations) > 0:
		env.SetSubOperations(f.subOperations...)
	}
	return env, nil
}

// parseAttribute reads "@Source[name]".
func parseAttribute(ref string) (abac.Source, string, error) {
	if rest, ok := strings.CutPrefix(ref, "@"); ok {
		word, name, found := strings.Cut(strings.TrimSuffix(rest, "]"), "[")
		if source, known := abac.ParseSource(word); known && found && name != "" {
			return source, name, nil
		}
	}
	return 0, "", errorWithHint(usagef("%q is not an attribute", ref),
		"write @Resource[NAME], @Request[NAME], @Principal[NAME] or @Environment[NAME]")
}

// operation reads an operation. One that nobody publishes is still asked about, since
// Azure has more than it publishes; the user is told, with names that may have been meant.
func (q *questions) operation(word string) (arm.Operation, error) {
	o, err := arm.ParseOperation(word)
	if err != nil {
		return o, errorWithHint(err, "an operation looks like Microsoft.KeyVault/vaults/secrets/getSecret/action")
	}
	cat, err := q.app.catalog()
	if err != nil {
		return o, err
	}
	if _, ok := cat.FindOperation(o); ok {
		return o, nil
	}
	q.app.note("operation %s is in no published list (of %s); the answer follows from the patterns of the roles", o, cat.Date())
	for _, n := range nearOperations(cat, o) {
		q.app.note("did you mean %s?", n)
	}
	return o, nil
}

// principal finds an identity and says so where nothing is known of it.
func (q *questions) principal(ctx context.Context, word string) (mivet.PrincipalID, error) {
	id, known, err := q.identity(word)
	if err != nil && q.widen(ctx) {
		id, known, err = q.identity(word) // there is more to hint at
	}
	switch {
	case err != nil || known:
	case q.engine == nil:
		q.unknown = id
	default:
		q.noteUnknown(id)
	}
	return id, err
}

func (q *questions) noteUnknown(id mivet.PrincipalID) {
	q.app.note("no fact of the input speaks of the principal %s", id)
}

// scope finds what a question is about.
func (q *questions) scope(ctx context.Context, word, provider string) (arm.ID, error) {
	id, err := q.resource(word, provider)
	if err != nil && q.widen(ctx) {
		return q.resource(word, provider)
	}
	return id, err
}

// describe names a principal for people: its name and what it is.
func (r *resolver) describe(id mivet.PrincipalID) (name, kind string) {
	name = r.index.PrincipalName(id)
	if name == "" {
		name = string(id)
	}
	if m := r.index.Identity(id); m != nil {
		if m.Kind == mivet.SystemAssigned {
			return name, "system-assigned identity"
		}
		return name, "user-assigned identity"
	}
	p := r.index.Principal(id)
	switch {
	case id == mivet.Everyone:
		return "everyone", "everyone"
	case p == nil:
		return name, "principal"
	case p.Managed:
		return name, "managed identity"
	}
	switch p.Type {
	case mivet.TypeUser:
		return name, "user"
	case mivet.TypeGroup, mivet.TypeForeignGroup:
		return name, "group"
	case mivet.TypeServicePrincipal:
		return name, "service principal"
	case mivet.TypeDevice:
		return name, "device"
	case mivet.TypeAgentPrincipal, mivet.TypeAgentUser:
		return name, "agent"
	default:
		return name, "principal"
	}
}

// title is a name with its ID, where that says more.
func (r *resolver) title(id mivet.PrincipalID) string {
	name, kind := r.describe(id)
	if name == string(id) {
		return name
	}
	return fmt.Sprintf("%s (%s %s)", name, kind, id)
}

// path writes the way from a principal over its groups to the holder of a grant.
func (r *resolver) path(via []mivet.PrincipalID) string {
	var names []string
	for _, id := range via {
		name, _ := r.describe(id)
		names = append(names, name)
	}
	return strings.Join(names, " > ")
}
