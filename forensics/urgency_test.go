// SPDX-License-Identifier: Apache-2.0

package forensics_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mivet/mivet"
	"github.com/mivet/mivet/authz"
	"github.com/mivet/mivet/forensics"
	"github.com/mivet/mivet/logs"
	"github.com/mivet/mivet/provenance"
)

// urgency asks with the defaults.
func urgency(t *testing.T, text, log string, change func(*forensics.UrgencyQuery)) *forensics.UrgencyReport {
	t.Helper()
	s := read(t, text)
	q := forensics.UrgencyQuery{
		Snapshot: s, Log: provenance.NewLog(s), Now: s.TakenAt, Measure: &forensics.Measure{Catalog: cat()},
		Refusals: forensics.NewTrace(s, func(d *forensics.Doing) bool { return d.Outcome == logs.Refused }),
	}
	each(t, log, func(e *logs.Entry, text []byte, at mivet.Source) {
		q.Log.Add(e, text, at)
		q.Refusals.Add(e, text, at)
	})
	if change != nil {
		change(&q)
	}
	return forensics.Urgency(&q)
}

const (
	noon  = "2026-05-08T12:00:00Z"
	after = "2026-05-08T12:10:00Z"
)

func TestUrgency(t *testing.T) {
	// Each answer is who got what, where, whether it was taken back, and what would have been enough.
	f := func(name, text, log string, wants ...string) {
		t.Helper()
		var got []string
		for _, x := range urgency(t, text, log, nil).Urgent {
			end := "still"
			if x.Reduced() {
				end = "for " + x.Lasted.String()
			}
			var small strings.Builder
			small.WriteString(x.Why)
			for _, g := range x.Smallest {
				role := g.RoleName
				if g.Scope.Name() == "a" {
					role = "one role" // of Azure's roles with storage accounts any may be the least
				}
				small.WriteString(role + "@" + g.Scope.Name())
			}
			got = append(got, fmt.Sprintf("%s %s@%s %s, helps %s, enough %s", strings.TrimPrefix(string(x.Principal), "11111111-0000-4000-8000-00000000000"), x.Grant.RoleName, x.Grant.Scope.Name(), end, x.Helps, small.String()))
		}
		if !slices.Equal(got, wants) {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(wants, "\n"))
		}
	}
	const enough = ", enough Key Vault Secrets User@db"
	burst := refused(t, 5)
	holds := func(who, role, scope, name string) string {
		return shop + "assign " + who + " " + role + " " + scope + " id=" + name[strings.LastIndexByte(name, '/')+1:] + "\n"
	}
	// What fires.
	f("the whole group", holds("web", "Contributor", "shop", assignment(contributor, group)), burst+grant(after, web, contributor, group), "1 Contributor@shop still, helps denied"+enough)
	f("the subscription", holds("web", "Owner", "main", assignment(owner, sub)), burst+grant(after, web, owner, sub), "1 Owner@7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01 still, helps denied"+enough)
	f("a right that helps, everywhere", holds("web", `"Key Vault Administrator"`, "shop", assignment(vaultAdmin, group)), burst+grant(after, web, vaultAdmin, group), "1 Key Vault Administrator@shop still, helps allowed"+enough)
	f("a role that is far more, at the place", holds("web", `"Key Vault Administrator"`, "kv", assignment(vaultAdmin, vault)), burst+grant(after, web, vaultAdmin, vault), "1 Key Vault Administrator@kv still, helps allowed"+enough)
	f("a role that gives roles, at the place", holds("web", "Owner", "kv", assignment(owner, vault)), burst+grant(after, web, owner, vault), "1 Owner@kv still, helps denied"+enough)
	f("through a group", holds("team", "Contributor", "shop", assignment(contributor, group)), burst+grant(after, team, contributor, group), "1 Contributor@shop still, helps denied"+enough)
	f("taken back late", shop, burst+grant(after, web, contributor, group)+revoke("2026-05-11T12:10:00Z", contributor, group), "1 Contributor@shop for 72h0m0s, helps denied"+enough)
	f("by what the snapshot tells", shop+"assign web Contributor shop by=alice created="+after+"\n", burst, "1 Contributor@shop still, helps denied"+enough)
	f("the log and the snapshot tell other days", strings.Replace(holds("web", "Contributor", "shop", assignment(contributor, group)), "assign web Contributor shop", "assign web Contributor shop created=2026-03-01", 1), burst+grant(after, web, contributor, group),
		"1 Contributor@shop still, helps denied"+enough)
	f("a change of a grant of long ago", strings.Replace(holds("web", "Contributor", "shop", assignment(contributor, group)), "assign web Contributor shop", "assign web Contributor shop created=2026-03-01", 1), burst+strings.Replace(grant(after, web, contributor, group), "Created", "OK", 1))
	f("of two grants both", shop, burst+grant(after, web, contributor, group)+grant("2026-05-08T13:00:00Z", web, owner, group)+revoke("2026-06-01T00:00:00Z", contributor, group)+revoke("2026-06-01T00:00:00Z", owner, group),
		"1 Contributor@shop for 563h50m0s, helps denied"+enough, "1 Owner@shop for 563h0m0s, helps denied"+enough)
	control := strings.Repeat(failure("2026-05-08T11:59:00Z"), 1) + failure("2026-05-08T11:58:00Z") + failure("2026-05-08T11:57:00Z")
	f("refused by Resource Manager", holds("web", "Owner", "main", assignment(owner, sub)), control+grant(after, web, owner, sub), "1 Owner@7c0b8a52-41a1-4f7b-9a65-0a4a5a6a7a01 still, helps allowed, enough one role@a")

	// What is silent although it is close.
	f("no grant", shop, burst)
	f("the grant came before", holds("web", "Contributor", "shop", assignment(contributor, group)), grant("2026-05-08T11:00:00Z", web, contributor, group)+burst)
	f("the grant came days later", holds("web", "Contributor", "shop", assignment(contributor, group)), burst+grant("2026-05-10T12:10:00Z", web, contributor, group))
	f("the narrow grant", holds("web", `"Key Vault Secrets User"`, "db", assignment(secretsUser, secret)), burst+grant(after, web, secretsUser, secret))
	f("the fitting role over the vault", holds("web", `"Key Vault Secrets User"`, "kv", assignment(secretsUser, vault)), burst+grant(after, web, secretsUser, vault))
	f("another principal", holds("other", "Contributor", "shop", assignment(contributor, group)), burst+grant(after, other, contributor, group))
	f("taken back within the hour", shop, burst+grant(after, web, contributor, group)+revoke("2026-05-08T12:50:00Z", contributor, group))
	f("two refusals are no burst", holds("web", "Contributor", "shop", assignment(contributor, group)), refused(t, 2)+grant(after, web, contributor, group))
	f("elsewhere", holds("web", "Contributor", "old", assignment(contributor, group+"/providers/Microsoft.KeyVault/vaults/old")), burst+grant(after, web, contributor, group+"/providers/Microsoft.KeyVault/vaults/old"))
	f("a grant that failed", shop, burst+strings.NewReplacer(`"Success"`, `"Failure"`, "Created", "Conflict").Replace(grant(after, web, contributor, group)))
	f("refused by the network", holds("web", "Contributor", "shop", assignment(contributor, group)), strings.ReplaceAll(burst, `"isRbacAuthorized":false`, `"isAddressAuthorized":false`)+grant(after, web, contributor, group))
	f("the same refusal delivered again and again", holds("web", "Contributor", "shop", assignment(contributor, group)), strings.Repeat(refused(t, 1), 5)+grant(after, web, contributor, group))
}

// failure is a refusal in the activity log: its start, and its end.
func failure(at string) string {
	const deployment = "Microsoft.Storage/storageAccounts/write"
	end := fmt.Sprintf(`{"time":%q,"resourceId":%q,"operationName":%q,"category":"Administrative","resultType":"Failure","resultSignature":"Failed.Forbidden","correlationId":%q,"identity":{"authorization":{"action":%q,"scope":%q},"claims":{"http://schemas.microsoft.com/identity/claims/objectidentifier":%q}},"properties":{"statusCode":"Forbidden"}}`+"\n",
		at, group+"/providers/Microsoft.Storage/storageAccounts/a", deployment, "c"+at, deployment, group+"/providers/Microsoft.Storage/storageAccounts/a", web)
	return strings.NewReplacer(`"Failure"`, `"Start"`, "Failed.Forbidden", "Started.", `{"statusCode":"Forbidden"}`, "{}").Replace(end) + end
}

func TestUrgencyTellsAll(t *testing.T) {
	text := shop + "assign web Contributor shop id=" + assignment(contributor, group)[strings.LastIndex(assignment(contributor, group), "/")+1:] + " description=\"temporary\"\n" +
		"assign web \"Key Vault Secrets User\" db id=" + assignment(secretsUser, secret)[strings.LastIndex(assignment(secretsUser, secret), "/")+1:] + "\n" +
		"assign other Reader shop\n"
	r := urgency(t, text, refused(t, 5)+secretCall("2026-05-08T11:00:00Z", web, "SecretList", "", 403, "10.0.0.4")+
		grant(after, web, contributor, group)+grant("2026-05-08T13:00:00Z", web, secretsUser, secret), nil)
	if len(r.Urgent) != 1 || r.Unplaced != 1 || r.Refusals != 6 || r.Principals != 1 {
		t.Fatalf("%+v", r)
	}
	x := &r.Urgent[0]
	if x.Count != 6 || x.First != when(t, "2026-05-08T11:00:00Z") || x.Last != when(t, noon) || len(x.Refused) != 2 || x.Refused[0].Count != 5 || x.Refused[0].Source.Line != 1 || x.Refused[0].LastSource.Line != 5 {
		t.Errorf("refused %+v", x.Refused)
	}
	if x.Made.By.ID != alice || x.Made.At != when(t, after) || x.Made.By.Address != "198.51.100.7" || x.Made.Source.Line != 7 {
		t.Errorf("made %+v", x.Made)
	}
	if x.Promise == nil || len(x.Then) != 1 || !x.Then[0].Grant.Scope.Equal(id(t, secret)) || x.Risk <= x.SmallestRisk || !x.Proven {
		t.Errorf("%+v", x)
	}
	if !x.Refused[0].Scope.Equal(id(t, secret)) || x.Refused[0].Scope.String() != secret {
		t.Errorf("the scope is spelled as in the logs: %s", x.Refused[0].Scope)
	}
}

func TestUrgencyBounds(t *testing.T) {
	text := shop + "assign web Contributor shop created=" + after + "\n"
	f := func(wants int, change func(*forensics.UrgencyQuery)) {
		t.Helper()
		if n := len(urgency(t, text, refused(t, 5), change).Urgent); n != wants {
			t.Errorf("%d, want %d", n, wants)
		}
	}
	f(1, nil)
	f(0, func(q *forensics.UrgencyQuery) { q.Least = 6 })
	f(1, func(q *forensics.UrgencyQuery) { q.Least = 1; q.Within = 11 * time.Minute })
	f(0, func(q *forensics.UrgencyQuery) { q.Within = 9 * time.Minute })
}

// Where no role is known that gives what was refused, and where the log names no right.
func TestUrgencyWithoutAnswer(t *testing.T) {
	strange := strings.ReplaceAll(refused(t, 5), "SecretGet", "Rise")
	if n := len(urgency(t, shop+"assign web Contributor shop created="+after+"\n", strange, nil).Urgent); n != 0 {
		t.Errorf("an operation that is not known is no right: %d", n)
	}
	bus := shop + "servicebus bus in=shop .sku.name=Premium\nsbqueue jobs in=bus\n" + "webapp worker in=shop system principal=11111111-0000-4000-8000-000000000003 client=22222222-0000-4000-8000-000000000003\n" +
		"assign worker Contributor shop created=" + after + "\n"
	entry := `{"category":"RuntimeAuditLogs","ActivityName":"Authorization","ResourceId":"` + group + `/providers/Microsoft.ServiceBus/namespaces/bus/queues/jobs","Timestamp":"2026-05-08T11:5%d:00Z","Status":"Failure","AuthType":"AAD","AuthKey":"22222222-0000-4000-8000-000000000003","Provider":"ServiceBus"}` + "\n"
	r := urgency(t, bus, fmt.Sprintf(entry, 1)+fmt.Sprintf(entry, 2)+fmt.Sprintf(entry, 3), nil)
	if len(r.Urgent) != 1 || r.Urgent[0].Why != "the log does not name the right that was refused" || r.Urgent[0].Helps != authz.Unknown || r.Urgent[0].Principal != "11111111-0000-4000-8000-000000000003" {
		t.Errorf("%+v", r.Urgent)
	}
}

func TestOverdue(t *testing.T) {
	f := func(line string, wants ...string) {
		t.Helper()
		s := read(t, shop+line+"\n")
		var got []string
		for _, o := range forensics.Overdue(s, provenance.NewLog(s), s.TakenAt) {
			since := "no day"
			if !o.Since.IsZero() {
				since = o.Since.Format(time.DateOnly)
			}
			got = append(got, fmt.Sprintf("%s %s %v", o.Promise.Words, since, o.Undecided))
		}
		if !slices.Equal(got, wants) {
			t.Errorf("%s: %v, want %v", line, got, wants)
		}
	}
	f("assign web Reader shop")
	f("assign web Reader shop description=\"reads\" created=2026-05-08")
	f("assign web Reader shop description=temporary created=2026-05-08", "temporary no day false")
	f("assign web Reader shop description=temporary created=2026-11-10")
	f("assign web Reader shop description=temporary", "temporary no day true")
	f("assign web Reader shop description=\"until 2026-06-30\"", "until 2026-06-30 2026-06-30 false")
	f("assign web Reader shop description=\"until 2027-06-30\"")
	f("assign web Reader shop until=2026-06-30", "the end that the assignment itself has 2026-06-30 false")
	f("assign web Reader shop until=2027-06-30")
	f("assign web Reader shop eligible until=2026-06-30")
}
