// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet/internal/collect"
)

type doctorFlags struct {
	azure     azureFlags
	out       output
	role      bool
	scope     string
	selfCheck bool
	save      string
	complete  bool
}

func (a *app) doctorCommand() *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:     "doctor",
		Short:   "what mivet cannot read in Azure, what that makes unknown, and the role that it needs",
		GroupID: groupTrust,
		Example: "  mivet doctor                                 what cannot be read, as whom you are signed in\n" +
			"  mivet doctor --role > role.json              the smallest role that is enough\n" +
			"  mivet doctor --self-check                    does the engine agree with Azure about you",
		Long: "Asks each question that \"mivet snapshot\" asks once or a few times, and says which are not\n" +
			"answered. Nothing is written and nothing is changed.\n\n" +
			"--role prints the custom role and the permissions of Microsoft Graph that the collector needs, made\n" +
			"of the table of its requests. Reader is enough to begin with, and so is no right in Graph at all.\n\n" +
			"--self-check asks Resource Manager what you yourself may do at sampled scopes, and compares that\n" +
			"with what the engine says. A difference is a defect: --save keeps it as a case for \"mivet\n" +
			"conformance\", with names and identifiers replaced.",
		Args: a.args(0, 0),
	}
	f.azure.register(cmd)
	f.azure.registerWhat(cmd)
	f.out.register(cmd, formatText, formatJSON)
	fl := cmd.Flags()
	fl.BoolVar(&f.role, "role", false, "print the role and the permissions that are needed; asks nobody")
	fl.StringVar(&f.scope, "scope", "", "where the role may be assigned (default: the tenant root group)")
	fl.BoolVar(&f.selfCheck, "self-check", false, "compare the engine with what Azure says of your own permissions")
	fl.StringVar(&f.save, "save", "", "append the differences to this file of cases")
	fl.BoolVar(&f.complete, "require-complete", false, "exit code 4 where something cannot be read")
	cmd.RunE = a.run(func(ctx context.Context, _ []string) (int, error) {
		switch {
		case f.role:
			return a.doctorRole(&f)
		case f.selfCheck:
			return a.selfCheck(ctx, &f)
		default:
			return a.doctor(ctx, &f)
		}
	})
	return cmd
}

// needed is the role with what Graph has to give.
type needed struct {
	SchemaVersion int          `json:"schemaVersion"`
	Role          collect.Role `json:"role"`
	Graph         []string     `json:"graphApplicationPermissions"`
}

func (a *app) doctorRole(f *doctorFlags) (int, error) {
	cat, err := a.catalog()
	if err != nil {
		return exitFailed, err
	}
	with, err := f.azure.options()
	if err != nil {
		return exitUsage, err
	}
	var scopes []string
	if f.scope != "" {
		scopes = []string{f.scope}
	}
	role, graph := collect.Permissions(cat, with, scopes)
	err = a.emit(&f.out, func(w io.Writer, format string, _ bool) error {
		if format == formatJSON {
			return writeAnswer(w, "doctor-role", needed{1, role, graph})
		}
		return writeJSON(w, role)
	})
	if err == nil {
		a.note("the role has %s; az role definition create --role-definition FILE makes it", counted(len(role.Actions), "action"))
		a.note("beside it, application permissions of Microsoft Graph: %s", strings.Join(graph, ", "))
	}
	return exitOK, err
}

// doctorJSON is a diagnosis for machines.
type doctorJSON struct {
	SchemaVersion int `json:"schemaVersion"`
	*collect.Diagnosis
}

func (a *app) doctor(ctx context.Context, f *doctorFlags) (int, error) {
	config, err := a.azure(ctx, &f.azure)
	if err != nil {
		return exitFailed, err
	}
	progress := a.newProgress()
	config.Progress = progress.show
	d, err := collect.Diagnose(ctx, config)
	progress.clear()
	if err != nil {
		return exitFailed, err
	}
	err = a.emit(&f.out, func(w io.Writer, format string, colour bool) error {
		if format == formatJSON {
			return writeAnswer(w, "doctor", doctorJSON{1, d})
		}
		return printDiagnosis(newPrinter(w, colour), d)
	})
	if err != nil {
		return exitFailed, err
	}
	if f.complete && len(d.Missing) > 0 {
		return exitUndecided, nil
	}
	return exitOK, nil
}

// maxWhere is how many scopes a text names.
const maxWhere = 5

func printDiagnosis(p *printer, d *collect.Diagnosis) error {
	who := d.Caller.Principal
	if d.Caller.Name != "" {
		who = d.Caller.Name + " (" + who + ")"
	}
	p.printf("signed in as %s, tenant %s, cloud %s\n\n", who, d.Caller.Tenant, d.Cloud)
	if len(d.Missing) == 0 {
		p.printf("everything that mivet asks for can be read: %s\n", counted(len(d.Checked), "question"))
		return p.err
	}
	p.printf("cannot read\n")
	for _, m := range d.Missing {
		where := ""
		switch n := len(m.Where); {
		case n > maxWhere:
			where = fmt.Sprintf("  at %s and %d more", strings.Join(m.Where[:maxWhere], ", "), n-maxWhere)
		case n > 0:
			where = "  at " + strings.Join(m.Where, ", ")
		}
		p.printf("  %s%s\n", m.What, where)
		p.printf("      why       %s\n", m.Reason)
		p.printf("      unknown   %s\n", m.Unknown)
		p.printf("      needs     %s\n", strings.Join(m.Needs, ", "))
	}
	p.printf("\ncan read: %s of %s\n", fmt.Sprint(len(d.Checked)-countWhat(d)), counted(len(d.Checked), "question"))
	p.printf("\"mivet doctor --role\" prints the smallest role that is enough, and the permissions of Microsoft Graph\n")
	return p.err
}

// countWhat counts the questions that are not answered.
func countWhat(d *collect.Diagnosis) int {
	missing := map[string]bool{}
	for _, m := range d.Missing {
		missing[m.What] = true
	}
	n := 0
	for _, c := range d.Checked {
		if missing[c] {
			n++
		}
	}
	return n
}
