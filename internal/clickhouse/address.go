// SPDX-License-Identifier: Apache-2.0

package clickhouse

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// schemes of an address, and those of the HTTP interface that each stands for.
var schemes = map[string]string{"clickhouse+http": "http", "clickhouse+https": "https"}

// An Address says where tables are.
type Address struct {
	// Server is that of the HTTP interface: "http://host:8123".
	Server string
	// User is who signs in; empty for "default".
	User string
	// Database holds the tables; it must exist.
	Database string
	// Cluster is the cluster of the server's configuration that the tables are spread over;
	// empty for one server.
	Cluster string
}

// IsAddress reports whether a text is meant as an address, and not as the name of a file.
func IsAddress(s string) bool {
	scheme, _, ok := strings.Cut(s, "://")
	return ok && strings.HasPrefix(scheme, "clickhouse")
}

// name is what databases and clusters may be called without quotes.
var name = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// ParseAddress reads clickhouse+http://user@host:8123/database?cluster=name. A password is
// not part of it.
func ParseAddress(s string) (*Address, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("reading the address of ClickHouse: %w", errors.Unwrap(err))
	}
	scheme := schemes[u.Scheme]
	query, bad := url.ParseQuery(u.RawQuery)
	a := Address{Server: scheme + "://" + u.Host, User: u.User.Username(), Database: strings.Trim(u.Path, "/"), Cluster: query.Get("cluster")}
	_, secret := u.User.Password()
	query.Del("cluster")
	switch {
	case scheme == "":
		err = errors.New("it begins with neither clickhouse+http:// nor clickhouse+https://")
	case u.Host == "":
		err = errors.New("it names no host")
	case secret:
		err = errors.New("it holds a password: leave it out and set " + PasswordVariable)
	case !name.MatchString(a.Database):
		err = fmt.Errorf("%q is no name of a database", a.Database)
	case a.Cluster != "" && !name.MatchString(a.Cluster):
		err = fmt.Errorf("%q is no name of a cluster", a.Cluster)
	case bad != nil || len(query) > 0 || u.Fragment != "":
		err = errors.New("it has more than a cluster behind the question mark")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the address of ClickHouse: %w", err)
	}
	return &a, nil
}

// PasswordVariable is the variable of the environment that holds the password.
const PasswordVariable = "MIVET_CLICKHOUSE_PASSWORD" //nolint:gosec // a name, no credential
