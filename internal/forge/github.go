// SPDX-License-Identifier: Apache-2.0

package forge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/mivet/mivet"
)

// GitHubAPI is the address of GitHub's interface, and GitHubIssuer what its tokens name
// (docs.github.com/actions/reference/security/oidc).
const (
	GitHubAPI    = "https://api.github.com"
	GitHubIssuer = "https://token.actions.githubusercontent.com"
)

var repositoryName = regexp.MustCompile(`^[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}$`)

// github reads one repository.
type github struct {
	*client
	*facts
	repo          string
	defaultBranch string
	pushers       []collaborator
	guard         guard // of the default branch
	src           mivet.Source
}

type collaborator struct {
	Login       string `json:"login"`
	Permissions struct {
		Admin    bool `json:"admin"`
		Maintain bool `json:"maintain"`
		Push     bool `json:"push"`
	} `json:"permissions"`
}

// guard is what protects a branch.
type guard struct {
	unread, reviews, adminsToo bool
	// only lists who may push; nil for everybody who may push to the repository.
	only []string
}

// ReadGitHub reads who can get tokens of a repository's workflows, and whose jobs run on its
// own runners. repo is OWNER/NAME.
func ReadGitHub(ctx context.Context, config Config, repo string) (*mivet.Snapshot, error) {
	if !repositoryName.MatchString(repo) {
		return nil, fmt.Errorf("%q is no repository of GitHub: write OWNER/NAME", repo)
	}
	g := &github{client: &client{config}, facts: newFacts("github "+repo, "github:", &config), repo: repo}
	g.src = g.source("")
	var about struct {
		FullName      string `json:"full_name"`
		DefaultBranch string `json:"default_branch"`
	}
	if err := g.one(ctx, g.path(""), &about); err != nil {
		return nil, fmt.Errorf("reading the repository %s: %w", repo, err)
	}
	if about.FullName != "" {
		g.repo = about.FullName // the spelling of the tokens
	}
	g.defaultBranch = about.DefaultBranch
	for _, step := range []func(context.Context) error{g.collaborators, g.subjects, g.protection, g.branches, g.environments, g.runners} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("reading the repository %s: %w", repo, err)
		}
	}
	return &g.snap, nil
}

func (g *github) path(rest string) string { return "/repos/" + g.repo + rest }

func (g *github) source(rest string) mivet.Source {
	return mivet.Source{Origin: &mivet.Origin{API: "GET " + g.path(rest), ReadAt: g.Now}}
}

// collaborators are those who may push: whoever does can write a workflow.
func (g *github) collaborators(ctx context.Context) error {
	const rest = "/collaborators"
	err := g.pages(ctx, g.path(rest+"?per_page=100"), func(body []byte) error {
		var list []collaborator
		if err := json.Unmarshal(body, &list); err != nil {
			return err
		}
		for _, c := range list {
			if c.Login != "" && (c.Permissions.Push || c.Permissions.Maintain || c.Permissions.Admin) {
				g.pushers = append(g.pushers, c)
			}
		}
		return nil
	})
	return g.missing(err, "collaborators of "+g.repo, "push access", g.source(rest))
}

// subjects notes where the repository's tokens have other subjects than the usual ones.
func (g *github) subjects(ctx context.Context) error {
	const rest = "/actions/oidc/customization/sub"
	var custom struct {
		Default *bool    `json:"use_default"`
		Keys    []string `json:"include_claim_keys"`
	}
	err := g.one(ctx, g.path(rest), &custom)
	if err == nil && custom.Default != nil && !*custom.Default {
		g.unread("subjects of "+g.repo, "tokens have subjects of the repository's own, made of "+strings.Join(custom.Keys, ", "), g.source(rest))
	}
	return g.missing(err, "subjects of "+g.repo, "Actions: read", g.source(rest))
}

// protection reads what protects the default branch.
func (g *github) protection(ctx context.Context) error {
	rest := "/branches/" + url.PathEscape(g.defaultBranch) + "/protection"
	var p struct {
		Reviews *struct{} `json:"required_pull_request_reviews"`
		Admins  struct {
			Enabled bool `json:"enabled"`
		} `json:"enforce_admins"`
		Restrictions *struct {
			Users []struct {
				Login string `json:"login"`
			} `json:"users"`
			Teams []struct {
				Slug string `json:"slug"`
			} `json:"teams"`
		} `json:"restrictions"`
	}
	err := g.one(ctx, g.path(rest), &p)
	var status *StatusError
	if errors.As(err, &status) && status.Status == 404 && strings.Contains(status.Text, "not protected") {
		return g.rules(ctx)
	}
	if err != nil {
		g.guard.unread = true
		return g.missing(err, "protection of "+g.defaultBranch+" of "+g.repo, "Administration: read", g.source(rest))
	}
	g.guard.reviews, g.guard.adminsToo = p.Reviews != nil, p.Admins.Enabled
	if r := p.Restrictions; r != nil {
		g.guard.only = []string{}
		for _, u := range r.Users {
			g.guard.only = append(g.guard.only, u.Login)
		}
		if len(r.Teams) > 0 {
			g.guard.unread = true // who is in a team is not read
		}
	}
	return nil
}

// rules looks whether rule sets guard the default branch in place of a protection.
func (g *github) rules(ctx context.Context) error {
	rest := "/rules/branches/" + url.PathEscape(g.defaultBranch)
	var list []struct {
		Type string `json:"type"`
	}
	err := g.one(ctx, g.path(rest), &list)
	for _, r := range list {
		switch r.Type {
		case "pull_request", "required_status_checks", "update":
			g.guard.reviews, g.guard.adminsToo = true, true // who may bypass it is not told
		}
	}
	if err != nil {
		g.guard.unread = true
	}
	return g.missing(err, "rules of "+g.defaultBranch+" of "+g.repo, "Metadata: read", g.source(rest))
}

// pushes says whether somebody can bring a commit to the default branch, and how sure that is.
func (g *github) pushes(c *collaborator) (can, sure bool) {
	if c.Permissions.Admin && !g.guard.adminsToo && !g.guard.unread {
		return true, true
	}
	if g.guard.only != nil && !g.guard.unread && !slices.Contains(g.guard.only, c.Login) {
		return false, false
	}
	return true, !g.guard.reviews && !g.guard.unread
}

func (g *github) token(c *collaborator, rest, how string, sure bool, src mivet.Source) {
	g.right(c.Login, mivet.OutsideRight{
		Issuer: GitHubIssuer, Subject: "repo:" + g.repo + ":" + rest, How: how, Certain: sure, Source: src,
	})
}

// branches are the tokens of workflows on the default branch, and on pull requests from the
// repository itself. A fork's workflows get none that can be written with
// (docs.github.com/actions/reference/security/oidc).
func (g *github) branches(context.Context) error {
	src := g.source("/collaborators")
	for i := range g.pushers {
		c := &g.pushers[i]
		if can, sure := g.pushes(c); can {
			g.token(c, "ref:refs/heads/"+g.defaultBranch, "brings a workflow to "+g.defaultBranch+" of "+g.repo, sure, src)
		}
		g.token(c, "pull_request", "opens a pull request of "+g.repo+" that changes a workflow", true, src)
	}
	return nil
}

type environment struct {
	Name  string `json:"name"`
	Rules []struct {
		Type        string `json:"type"`
		PreventSelf bool   `json:"prevent_self_review"`
		Reviewers   []struct {
			Type     string `json:"type"`
			Reviewer struct {
				Login string `json:"login"`
				Slug  string `json:"slug"`
			} `json:"reviewer"`
		} `json:"reviewers"`
	} `json:"protection_rules"`
	Branches *struct {
		Protected bool `json:"protected_branches"`
		Custom    bool `json:"custom_branch_policies"`
	} `json:"deployment_branch_policy"`
}

// environments are the tokens of jobs in an environment: its reviewers have to agree, and its
// policy says from which branches.
func (g *github) environments(ctx context.Context) error {
	const rest = "/environments"
	src := g.source(rest)
	err := g.pages(ctx, g.path(rest+"?per_page=100"), func(body []byte) error {
		var page struct {
			List []environment `json:"environments"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return err
		}
		for i := range page.List {
			g.environment(&page.List[i], src)
		}
		return nil
	})
	return g.missing(err, "environments of "+g.repo, "Actions: read", src)
}

func (g *github) environment(e *environment, src mivet.Source) {
	for i := range g.pushers {
		c := &g.pushers[i]
		can, sure := true, true
		switch {
		case e.Branches != nil && e.Branches.Protected:
			can, sure = g.pushes(c)
		case e.Branches != nil: // a list of branches that is not read
			sure = false
		}
		if !can {
			continue
		}
		how := "runs a job in the environment " + e.Name + " of " + g.repo
		if e.waits(c.Login) {
			sure, how = false, how+", which somebody has to approve"
		}
		g.token(c, "environment:"+e.Name, how, sure, src)
	}
	for _, r := range e.Rules {
		for _, x := range r.Reviewers {
			if r.Type == "required_reviewers" && x.Reviewer.Login != "" {
				g.right(x.Reviewer.Login, mivet.OutsideRight{
					Issuer: GitHubIssuer, Subject: "repo:" + g.repo + ":environment:" + e.Name, Source: src,
					How: "approves jobs in the environment " + e.Name + " of " + g.repo,
				})
			}
		}
	}
}

// waits reports whether a job of somebody waits for somebody else.
func (e *environment) waits(login string) bool {
	for _, r := range e.Rules {
		if r.Type != "required_reviewers" {
			continue
		}
		for _, x := range r.Reviewers {
			if x.Reviewer.Login == login && !r.PreventSelf {
				return false
			}
		}
		return true
	}
	return false
}

// runners are the machines of the repository's own on which its jobs run.
func (g *github) runners(ctx context.Context) error {
	const rest = "/actions/runners"
	src := g.source(rest)
	err := g.pages(ctx, g.path(rest+"?per_page=100"), func(body []byte) error {
		var page struct {
			List []struct {
				Name string `json:"name"`
			} `json:"runners"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return err
		}
		for _, r := range page.List {
			for i := range g.pushers {
				g.right(g.pushers[i].Login, mivet.OutsideRight{Runner: r.Name, How: "has a job run on the runner " + r.Name + " of " + g.repo, Source: src})
			}
		}
		return nil
	})
	return g.missing(err, "runners of "+g.repo, "Administration: read", src)
}
