// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// logEntry is what encoding/json needs to know of an entry.
type logEntry struct {
	Time          string `json:"time"`
	Category      string `json:"category"`
	OperationName string `json:"operationName"`
	ResourceID    string `json:"resourceId"`
	StatusCode    int    `json:"statusCode"`
	Identity      struct {
		Claim struct {
			OID string `json:"oid"`
		} `json:"claim"`
		Requester struct {
			ObjectID string `json:"objectId"`
		} `json:"requester"`
		Authorization []struct {
			Action string `json:"action"`
		} `json:"authorization"`
	} `json:"identity"`
	Properties struct {
		ID             string `json:"id"`
		ObjectKey      string `json:"objectKey"`
		HTTPStatusCode int    `json:"httpStatusCode"`
	} `json:"properties"`
}

type group struct{ principal, action, scope, day string }

type counts struct {
	granted, refused int64
	first, last      string
}

// standard is the same aggregation by encoding/json into a map.
func standard(files []string) (*result, error) {
	groups := map[group]*counts{}
	var r result
	var mu sync.Mutex
	err := share(files, func(name string) error {
		own := map[group]*counts{}
		f, err := os.Open(name) //nolint:gosec // the caller names it
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(make([]byte, 1<<20), 8<<20)
		rows, size := int64(0), int64(0)
		for lines.Scan() {
			var e logEntry
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				return err
			}
			rows++
			size += int64(len(lines.Bytes())) + 1
			k, refused := e.group()
			c := own[k]
			if c == nil {
				c = &counts{first: e.Time, last: e.Time}
				own[k] = c
			}
			c.first, c.last = min(c.first, e.Time), max(c.last, e.Time)
			if refused {
				c.refused++
			} else {
				c.granted++
			}
		}
		mu.Lock()
		defer mu.Unlock()
		r.Rows += rows
		r.Bytes += size
		for k, c := range own {
			if groups[k] == nil {
				groups[k] = &counts{}
			}
			groups[k].granted += c.granted
			groups[k].refused += c.refused
		}
		if err := lines.Err(); err != nil {
			return err
		}
		return f.Close()
	})
	for _, c := range groups {
		r.Granted += c.granted
		r.Refused += c.refused
	}
	r.Groups = int64(len(groups))
	return &r, err
}

func (e *logEntry) group() (k group, refused bool) {
	k = group{day: e.Time[:10], scope: strings.ToLower(e.ResourceID)}
	if e.Category == "AuditEvent" {
		k.principal, k.action = e.Identity.Claim.OID, e.OperationName
		k.scope += "/secrets/" + strings.Split(e.Properties.ID, "/")[4]
		return k, e.Properties.HTTPStatusCode == 403
	}
	k.principal, k.action = e.Identity.Requester.ObjectID, e.Identity.Authorization[0].Action
	k.scope += "/containers/" + strings.Split(e.Properties.ObjectKey, "/")[2]
	return k, e.StatusCode == 403
}

// duckQuery is the same aggregation as SQL, with the columns declared: faster than letting
// DuckDB guess them.
const duckQuery = `SET preserve_insertion_order=false; SET threads=2;
CREATE TEMP VIEW ev AS SELECT * FROM read_json(%s, format='newline_delimited', columns={
 time:'VARCHAR', category:'VARCHAR', operationName:'VARCHAR', resourceId:'VARCHAR', statusCode:'INTEGER',
 identity:'STRUCT(claim STRUCT(oid VARCHAR), requester STRUCT(objectId VARCHAR), "authorization" STRUCT("action" VARCHAR)[])',
 properties:'STRUCT(id VARCHAR, objectKey VARCHAR, httpStatusCode INTEGER)'});
SELECT count(*), sum(n), sum(denied), %s FROM (
 SELECT coalesce(identity.claim.oid, identity.requester.objectId) AS principal,
  coalesce(identity."authorization"[1]."action", operationName) AS act,
  lower(resourceId) || CASE WHEN category = 'AuditEvent' THEN '/secrets/' || split_part(properties.id, '/', 5) ELSE '/containers/' || split_part(properties.objectKey, '/', 3) END AS scope,
  time[1:10] AS day, count(*) AS n, sum(CASE WHEN coalesce(properties.httpStatusCode, statusCode) = 403 THEN 1 ELSE 0 END) AS denied, min(time) AS first_ts, max(time) AS last_ts
 FROM ev GROUP BY ALL);
`

// duckSum is over digests of all groups, as of mivet's.
const duckSum = `sum(('0x' || substr(md5(concat_ws('|', principal, CASE act WHEN 'SecretGet' THEN 'Microsoft.KeyVault/vaults/secrets/getSecret/action' ELSE act END,
 scope, day, n - denied, denied, first_ts, last_ts)), 1, 8))::BIGINT)`

// duckDB asks DuckDB, by its command or by Python.
func duckDB(files []string, how string, groups bool) (*result, error) {
	var quoted []string
	var r result
	for _, f := range files {
		quoted = append(quoted, "'"+strings.ReplaceAll(f, "'", "''")+"'")
		if info, err := os.Stat(f); err == nil {
			r.Bytes += info.Size()
		}
	}
	sum := "0"
	if groups {
		sum = duckSum
	}
	sql := fmt.Sprintf(duckQuery, "["+strings.Join(quoted, ", ")+"]", sum)
	var cmd *exec.Cmd
	if python, ok := strings.CutPrefix(how, "python:"); ok {
		cmd = exec.Command(python, "-c", "import duckdb, sys\nrows = duckdb.connect().execute(sys.stdin.read()).fetchall()\nprint(','.join(str(int(v)) for v in rows[0]))") //nolint:gosec // the caller names it
	} else {
		cmd = exec.Command(how, "-csv", "-noheader") //nolint:gosec // the caller names it
	}
	cmd.Stdin, cmd.Stderr = strings.NewReader(sql), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	r.RSS = memory(cmd.ProcessState)
	row, err := csv.NewReader(bytes.NewReader(out)).Read()
	if err != nil {
		return nil, err
	}
	if groups {
		r.Sum = row[3]
	}
	var n [3]int64
	for i := range n {
		if n[i], err = strconv.ParseInt(row[i], 10, 64); err != nil {
			return nil, err
		}
	}
	r.Groups, r.Rows, r.Refused = n[0], n[1], n[2]
	r.Granted = r.Rows - r.Refused
	return &r, nil
}
