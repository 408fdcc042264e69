// SPDX-License-Identifier: Apache-2.0

package minimize_test

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/minimize"
)

// TestAgainstSolver compares proposals with the optimum that an independent solver of
// integer programs finds: MIVET_SOLVER is cbc or glpsol. The program is written from the
// definition of the problem, for all roles and places. "make solver" runs it.
func TestAgainstSolver(t *testing.T) {
	solver := os.Getenv("MIVET_SOLVER")
	if solver == "" {
		t.Skip("MIVET_SOLVER names no solver")
	}
	r := rand.New(rand.NewPCG(31, 1))
	compare := func(kind string, p minimize.Problem, roles []*mivet.RoleDefinition) {
		t.Helper()
		d := define(&p)
		got, err := p.Solve()
		if err != nil {
			t.Fatal(err)
		}
		want := solve(t, solver, d, d.candidates(roles), roles)
		if got.Cost != want || !got.Proven || d.cost(got.Grants) != want {
			t.Errorf("%s: cost %d, proven %t, by the definition %d; the solver says %d: %v", kind, got.Cost, got.Proven, d.cost(got.Grants), want, words(got.Grants))
		}
	}
	tinies, several, all := 200, 200, 20
	for range tinies {
		p, roles := tiny(t, r)
		compare("a few needs", p, roles)
	}
	for i := range several { // up to ten rights, among drawn roles that cover them
		p := estate(t, r, 2+r.IntN(9), 16)
		if i%2 == 1 {
			p = crowded(t, r, 2+r.IntN(9), 16)
		}
		roles := pool(r, p.Needs, 1+r.IntN(3))
		p.Roles = minimize.NewRoles(cat, roles, nil)
		compare("ten rights", p, roles)
	}
	for range all { // and among all roles
		compare("all roles", estate(t, r, 1+r.IntN(4), 10), builtin())
	}
	t.Logf("%s was asked on %d problems", solver, tinies+several+all)
}

// solve writes the problem as an integer program and has it solved.
func solve(t *testing.T, solver string, d *definition, grants []minimize.Grant, roles []*mivet.RoleDefinition) int64 {
	t.Helper()
	folder := t.TempDir()
	program, answer := filepath.Join(folder, "p.lp"), filepath.Join(folder, "answer")
	f, err := os.Create(program)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	cells := d.cells(grants, roles)
	fmt.Fprintln(w, "Minimize\n cost:")
	for i, g := range grants {
		fmt.Fprintf(w, " + %d x%d\n", d.own(g), i)
	}
	for k, c := range cells {
		fmt.Fprintf(w, " + %d z%d\n", c.weight, k)
	}
	fmt.Fprintln(w, "Subject To")
	for n := range d.Needs {
		fmt.Fprintf(w, " need%d:", n)
		for i := range grants {
			if covers(d.Needs[n:n+1], grants[i:i+1]) {
				fmt.Fprintf(w, " + x%d\n", i)
			}
		}
		fmt.Fprintln(w, " >= 1")
	}
	for k, c := range cells { // a cell is paid for as soon as one of its grants is made
		for _, i := range c.members {
			fmt.Fprintf(w, " c%d_%d: z%d - x%d >= 0\n", k, i, k, i)
		}
	}
	fmt.Fprintln(w, "Binary")
	for i := range grants {
		fmt.Fprintf(w, " x%d\n", i)
	}
	for k := range cells {
		fmt.Fprintf(w, " z%d\n", k)
	}
	fmt.Fprintln(w, "End")
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	args := []string{program, "ratio", "0", "allow", "0", "solve", "solution", answer}
	if filepath.Base(solver) == "glpsol" {
		args = []string{"--lp", program, "--mipgap", "0", "-o", answer}
	}
	out, err := exec.Command(solver, args...).CombinedOutput() //nolint:gosec // the solver that whoever runs the test names
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(answer)
	if err != nil {
		t.Fatal(err)
	}
	return optimum(t, string(text))
}

// optimum reads the value of the objective: "Optimal - objective value 12.0" of cbc, or
// "Objective:  cost = 12 (MINimum)" of glpsol, which says "Status: INTEGER OPTIMAL".
func optimum(t *testing.T, text string) int64 {
	t.Helper()
	for line := range strings.Lines(text) {
		_, value, ok := strings.Cut(line, "Optimal - objective value")
		if !ok && strings.Contains(text, "INTEGER OPTIMAL") {
			if _, value, ok = strings.Cut(line, "cost ="); ok {
				value, _, _ = strings.Cut(value, "(")
			}
		}
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || math.Abs(x-math.Round(x)) > 1e-3 {
			t.Fatalf("%q is no whole cost: %v", line, err)
		}
		return int64(math.Round(x))
	}
	t.Fatalf("no optimum in %s", text)
	return 0
}
