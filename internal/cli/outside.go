// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/internal/forge"
)

// The variables that hold tokens for what lies outside of Azure.
const (
	gitHubToken = "GITHUB_TOKEN"         //nolint:gosec // the name of a variable
	devOpsToken = "AZURE_DEVOPS_EXT_PAT" //nolint:gosec // the name of a variable
)

type outsideFlags struct {
	github, devops, folders []string
	githubAPI, devopsAPI    string
	file                    string
}

func (a *app) outsideCommand() *cobra.Command {
	var f outsideFlags
	cmd := &cobra.Command{
		Use:     "outside --output FILE",
		Short:   "read who can get tokens of GitHub or Azure DevOps that identities trust",
		GroupID: groupFirst,
		Example: "  mivet outside --github shop/infra --output outside.mivet\n" +
			"  mivet outside --azure-devops shop/web --output outside.mivet\n" +
			"  mivet who-can-act-as deploy-id prod.mivet outside.mivet",
		Long: "Reads who can push, change workflows, approve environments, use and edit service connections, and\n" +
			"which runners and agents there are, with the token in " + gitHubToken + " or " + devOpsToken + ". The file is\n" +
			"given to other commands beside that of the tenant. A repository that is checked out tells which\n" +
			"tokens its workflows fetch, and by CODEOWNERS who has to agree: --repository OWNER/NAME=FOLDER.\n" +
			"What may not be read is a gap; what somebody else has to agree to is possible, not certain.",
		Args: a.args(0, 0),
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&f.github, "github", nil, "a repository of GitHub, OWNER/NAME; may be repeated")
	fl.StringArrayVar(&f.devops, "azure-devops", nil, "a project of Azure DevOps, ORGANISATION/PROJECT; may be repeated")
	fl.StringArrayVar(&f.folders, "repository", nil, "a repository that is checked out, OWNER/NAME=FOLDER; may be repeated")
	fl.StringVar(&f.githubAPI, "github-api", forge.GitHubAPI, "the address of GitHub's interface")
	fl.StringVar(&f.devopsAPI, "azure-devops-api", forge.DevOpsAPI, "the address of Azure DevOps")
	fl.StringVarP(&f.file, "output", "o", "", `write to this file, "-" for standard output`)
	cmd.RunE = a.run(func(ctx context.Context, _ []string) (int, error) {
		switch {
		case len(f.github)+len(f.devops)+len(f.folders) == 0:
			return exitUsage, a.misuse(cmd, errors.New("nothing to read: --github, --azure-devops or --repository is missing"))
		case f.file == "":
			return exitUsage, a.misuse(cmd, errors.New("--output is missing"))
		}
		return a.outside(ctx, &f)
	})
	return cmd
}

func (a *app) outside(ctx context.Context, f *outsideFlags) (int, error) {
	all := &mivet.Snapshot{}
	add := func(s *mivet.Snapshot, err error) error {
		if err == nil {
			all.Append(s)
		}
		return err
	}
	for _, repo := range f.github {
		config := forge.Config{Base: strings.TrimRight(f.githubAPI, "/"), Token: a.Env(gitHubToken), Now: a.Clock()}
		if err := add(forge.ReadGitHub(ctx, config, repo)); err != nil {
			return exitFailed, errorWithHint(err, gitHubToken+" holds a token that may read the repository, its collaborators and its administration")
		}
	}
	for _, project := range f.devops {
		config := forge.Config{Base: strings.TrimRight(f.devopsAPI, "/"), Token: a.Env(devOpsToken), Basic: true, Now: a.Clock()}
		if err := add(forge.ReadAzureDevOps(ctx, config, project)); err != nil {
			return exitFailed, errorWithHint(err, devOpsToken+" holds a personal access token that may read the project and its service connections")
		}
	}
	for _, word := range f.folders {
		repo, folder, ok := strings.Cut(word, "=")
		if !ok {
			return exitUsage, usagef("--repository %q is not OWNER/NAME=FOLDER", word)
		}
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			return exitFailed, errors.Join(fmt.Errorf("%s is no folder", folder), err)
		}
		if err := add(forge.ReadRepository(folder, repo, os.DirFS(folder))); err != nil {
			return exitFailed, err
		}
	}
	a.tellGaps(all)
	return exitOK, a.writeSnapshot(all, f.file)
}
