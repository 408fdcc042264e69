// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/abac"
	"github.com/mivet/mivet/arm"
	"github.com/mivet/mivet/authz"
)

// The words that stand for a sort of grants.
const (
	sidePolicies = "policies"
	sideRoles    = "roles"
)

// equivalentFlags are those of the command.
type equivalentFlags struct {
	in    inputFlags
	out   output
	at    string
	plane string
	scope string
	who   []string
	all   bool
}

func (a *app) equivalentCommand() *cobra.Command {
	var f equivalentFlags
	cmd := &cobra.Command{
		Use:     "equivalent A B [INPUT...]",
		Short:   "do two sets of grants give the same, and what does each give more",
		GroupID: groupQuestions,
		Example: "  mivet equivalent policies roles --scope kv-shop --in prod.mivet    may this vault move to roles?\n" +
			"  mivet equivalent before.mivet after.mivet                          what did the change give and take?\n" +
			"  mivet equivalent orders-api staging --in prod.mivet                is the slot ready for the swap?",
		Long: "Compares operation by operation, at every scope at which either side says something. A and B are\n" +
			"two inputs, whose principals are compared by their IDs; or two identities of one input; or the\n" +
			"words \"policies\" and \"roles\", for vaults before their move to Azure RBAC: what the access policies\n" +
			"alone give, against what the role assignments will give, once they decide alone. Each difference\n" +
			"stands at the highest scope at which it holds, and holds for all below but what is excepted.\n" +
			"The exit code is 0 if both give the same, 1 if one gives more, 4 if that is not decided.",
		Args: a.args(2, -1),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.equivalent(ctx, &f, args) }),
	}
	f.in.register(cmd)
	f.out.register(cmd, formatText, formatJSON)
	fl := cmd.Flags()
	fl.StringVar(&f.scope, "scope", "", "compare what is given at this resource and below it alone")
	fl.StringArrayVar(&f.who, "for", nil, "compare the access of this identity alone; may be repeated")
	fl.StringVar(&f.at, "at", "", "the time of the comparison (default: when each input was taken, else now)")
	fl.Var(&choice{&f.plane, []string{"control", "data"}}, "plane", "the side of Azure that is compared: control, data (default: both)")
	fl.BoolVar(&f.all, "all", false, "text: name every operation, however many there are")
	cmd.ValidArgsFunction = a.completeArgs(&f.in, completeIdentity, completeIdentity)
	return cmd
}

func (a *app) equivalent(ctx context.Context, f *equivalentFlags, args []string) (int, error) {
	if _, err := f.out.targets(); err != nil {
		return exitUsage, err
	}
	c := comparison{flags: f, named: [2]string{args[0], args[1]}}
	if err := c.read(ctx, a, args[2:]); err != nil {
		return exitFailed, err
	}
	if err := c.bound(ctx); err != nil {
		return exitFailed, err
	}
	if err := c.compare(ctx); err != nil {
		return exitFailed, err
	}
	var err error
	if !a.silent(&f.out) {
		err = a.emit(&f.out, c.write)
	}
	switch c.difference.Same() {
	case abac.True:
		return exitOK, err
	case abac.False:
		return exitFound, err
	default:
		return exitUndecided, err
	}
}

// comparison is one run of the command.
type comparison struct {
	flags *equivalentFlags
	named [2]string // as the user calls the sides
	// what describes the sides, and of says what is asked of each; it may be the same.
	what  [2]string
	of    [2]*questions
	sides [2]authz.Side
	// vaults are those that are compared one by one in the move from access policies to
	// roles; nil in other comparisons.
	vaults     []arm.ID
	scope      arm.ID
	difference authz.Difference
}

// read settles what A and B are, and reads the inputs.
func (c *comparison) read(ctx context.Context, a *app, inputs []string) error {
	given := len(inputs) > 0 || len(c.flags.in.files) > 0 || c.flags.in.demo
	ask := func(in inputFlags, args []string) (*questions, error) {
		return a.prepare(ctx, &questionFlags{in: in, at: c.flags.at, plane: c.flags.plane}, args, nil)
	}
	if !given && isInput(c.named[0]) && isInput(c.named[1]) {
		for i, name := range c.named {
			q, err := ask(inputFlags{}, []string{name})
			if err != nil {
				return err
			}
			c.of[i], c.what[i] = q, "everything that "+name+" tells of"
		}
		return nil
	}
	for i, name := range c.named {
		if other := c.named[1-i]; !given && isInput(name) && !isInput(other) {
			return errorWithHint(usagef("%s is an input, and %s is none", name, other), "compare two inputs, or two identities of one input that is named with --in")
		}
	}
	q, err := ask(c.flags.in, inputs)
	if err != nil {
		return err
	}
	c.of = [2]*questions{q, q}
	if counted, ok := countedWords[c.named[0]]; ok && len(q.byName(c.named[0])) == 0 {
		return c.move(counted)
	}
	return c.identities(ctx)
}

// isInput reports whether a word names a file or folder.
func isInput(word string) bool {
	_, err := os.Stat(word)
	return err == nil
}

// countedWords are the sorts of grants, and how they are described.
var countedWords = map[string]authz.Counted{sidePolicies: authz.CountPolicies, sideRoles: authz.CountRoles}

var sortsOfGrants = map[authz.Counted]string{
	authz.CountPolicies: "the access policies of the vault alone",
	authz.CountRoles:    "role assignments, as if the vault were under them",
}

// move settles the comparison of access policies with roles.
func (c *comparison) move(first authz.Counted) error {
	second, ok := countedWords[c.named[1]]
	if !ok || first == second {
		return errorWithHint(usagef("%s cannot be compared with %s", c.named[0], c.named[1]), `write "policies roles", or "roles policies"`)
	}
	for i, counted := range []authz.Counted{first, second} {
		c.sides[i].Counted, c.what[i] = counted, sortsOfGrants[counted]
	}
	c.vaults = []arm.ID{}
	for i := range c.of[0].snap.Resources {
		r := &c.of[0].snap.Resources[i]
		if model, known := r.Setting("enableRbacAuthorization"); r.ID.HasType("Microsoft.KeyVault/vaults") && !(known && model == "true") {
			c.vaults = append(c.vaults, r.ID)
		}
	}
	return nil
}

// identities settles the comparison of two identities of one input.
func (c *comparison) identities(ctx context.Context) error {
	if len(c.flags.who) > 0 {
		return errorWithHint(usagef("--for names an identity, and %s and %s are some already", c.named[0], c.named[1]), "leave --for out")
	}
	for i, word := range c.named {
		id, err := c.of[i].principal(ctx, word)
		if err != nil {
			return err
		}
		c.sides[i].Principals, c.what[i] = []mivet.PrincipalID{id}, c.of[i].title(id)
	}
	return nil
}

// bound settles whose access is compared and where.
func (c *comparison) bound(ctx context.Context) error {
	for _, word := range c.flags.who {
		for i, q := range c.of {
			id, err := q.principal(ctx, word)
			if err != nil {
				return fmt.Errorf("looking for %s in %s: %w", word, c.named[i], err)
			}
			c.sides[i].Principals = append(c.sides[i].Principals, id)
		}
	}
	for i, q := range c.of {
		c.sides[i].Engine, c.sides[i].At = q.engine, q.at
	}
	if c.flags.scope == "" {
		if c.vaults != nil && len(c.vaults) == 0 {
			return errorWithHint(usagef("the input holds no vault under access policies"), "name one with --scope, to compare all the same")
		}
		return nil
	}
	var err error
	if c.scope, err = c.of[0].scope(ctx, c.flags.scope, ""); err != nil && c.of[0] != c.of[1] {
		c.scope, err = c.of[1].scope(ctx, c.flags.scope, "")
	}
	c.vaults = nil
	return err
}

// compare asks the engine, of each vault apart in a move without --scope.
func (c *comparison) compare(ctx context.Context) error {
	scopes := c.vaults
	if scopes == nil {
		scopes = []arm.ID{c.scope}
	}
	for _, scope := range scopes {
		if err := ctx.Err(); err != nil {
			return err
		}
		d := authz.Equivalent(c.sides[0], c.sides[1], authz.Extent{Scope: scope, Plane: c.of[0].plane})
		c.difference.OnlyA = append(c.difference.OnlyA, d.OnlyA...)
		c.difference.OnlyB = append(c.difference.OnlyB, d.OnlyB...)
		c.difference.Undecided = append(c.difference.Undecided, d.Undecided...)
		c.difference.Compared += d.Compared
	}
	return nil
}

// where describes the places that are compared.
func (c *comparison) where() string {
	switch {
	case len(c.vaults) == 1:
		return c.vaults[0].String()
	case c.vaults != nil:
		return counted(len(c.vaults), "vault") + " that are not under roles"
	case !c.scope.IsZero():
		return c.scope.String() + " and below"
	}
	return "everywhere"
}

// when is the time of each side.
func (c *comparison) when() string {
	a, b := c.of[0].at.Format(time.RFC3339), c.of[1].at.Format(time.RFC3339)
	if a == b {
		return a
	}
	return "A " + a + ", B " + b
}

// holder names the principal of a difference on the side that it is about.
func (c *comparison) holder(x *authz.Extra, side int) string {
	ids := [2]mivet.PrincipalID{x.A, x.B}
	if ids[side] == "" {
		side = 1 - side
	}
	return c.of[side].title(ids[side])
}

// providers counts operations by their providers, the most first.
func providers(operations []arm.Operation) string {
	count := map[arm.Key]int{}
	var names []string // as the first operation of each spells it
	for _, o := range operations {
		name := o.Provider()
		if count[arm.Fold(name)]++; count[arm.Fold(name)] == 1 {
			names = append(names, name)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return count[arm.Fold(b)] - count[arm.Fold(a)] })
	var words []string
	for _, name := range names[:min(len(names), maxProviders)] {
		words = append(words, fmt.Sprintf("%d of %s", count[arm.Fold(name)], name))
	}
	text := strings.Join(words, ", ")
	if more := len(names) - maxProviders; more > 0 {
		text += fmt.Sprintf(", others of %s", counted(more, "provider"))
	}
	return text
}

// maxProviders is how many providers a long list of operations is summed up by.
const maxProviders = 5
