// SPDX-License-Identifier: Apache-2.0

package forge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Config says which server is asked, and as whom.
type Config struct {
	// Base is the address of the interface, without a slash at the end.
	Base string
	// Token is sent with each request; empty for none.
	Token string
	// Basic sends the token as a password without a user name.
	Basic  bool
	Client *http.Client
	// Sleep waits between tries; nil is a timer.
	Sleep func(ctx context.Context, d time.Duration) error
	// Now is the time of reading, for the sources.
	Now time.Time
}

// The bounds of a reading.
const (
	maxTries  = 6
	maxPages  = 1000
	maxAnswer = 32 << 20
	longest   = 5 * time.Minute // a wait that is longer is given up
)

// StatusError is an answer other than success.
type StatusError struct {
	URL    string
	Status int
	Text   string
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s: %d %s", e.URL, e.Status, http.StatusText(e.Status))
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// refused reports whether an error is an answer that says that the caller may not see that,
// or that it is not there, and which status.
func refused(err error) (status int, ok bool) {
	var s *StatusError
	if errors.As(err, &s) {
		switch s.Status {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
			return s.Status, true
		}
	}
	return 0, false
}

type client struct{ Config }

func (c *client) sleep(ctx context.Context, d time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// one asks for one object.
func (c *client) one(ctx context.Context, path string, out any) error {
	body, _, err := c.get(ctx, c.Base+path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", c.Base+path, err)
	}
	return nil
}

// pages asks for a list, page by page: by the link to the next one, or by a token for it.
func (c *client) pages(ctx context.Context, path string, each func(body []byte) error) error {
	next := c.Base + path
	for range maxPages {
		body, header, err := c.get(ctx, next)
		if err != nil {
			return err
		}
		if err := each(body); err != nil {
			return fmt.Errorf("reading the answer of %s: %w", next, err)
		}
		more, err := c.next(next, header)
		if err != nil {
			return err
		}
		if more == "" {
			return nil
		}
		next = more
	}
	return fmt.Errorf("%s has more than %d pages", c.Base+path, maxPages)
}

// next is the address of the page that follows; empty for none. It must be on the same
// server, which gets the token.
func (c *client) next(now string, header http.Header) (string, error) {
	if token := header.Get("X-Ms-Continuationtoken"); token != "" {
		u, err := url.Parse(now)
		if err != nil {
			return "", err
		}
		q := u.Query()
		q.Set("continuationToken", token)
		u.RawQuery = q.Encode()
		return u.String(), nil
	}
	for part := range strings.SplitSeq(header.Get("Link"), ",") {
		target, rel, ok := strings.Cut(part, ";")
		if !ok || !strings.Contains(rel, `rel="next"`) {
			continue
		}
		address := strings.Trim(strings.TrimSpace(target), "<>")
		if !strings.HasPrefix(address, c.Base+"/") {
			return "", fmt.Errorf("%s continues at another server, %s", now, address)
		}
		return address, nil
	}
	return "", nil
}

// get asks once, and again when it is told to wait.
func (c *client) get(ctx context.Context, address string) ([]byte, http.Header, error) {
	for try := 1; ; try++ {
		body, header, status, err := c.ask(ctx, address)
		if err != nil {
			return nil, nil, err
		}
		if status == http.StatusOK {
			return body, header, nil
		}
		wait, again := c.wait(status, header, try)
		if !again || try == maxTries {
			return nil, nil, &StatusError{address, status, message(body)}
		}
		if wait > longest {
			return nil, nil, fmt.Errorf("%s asks to wait %s: try again later", address, wait.Round(time.Second))
		}
		if err := c.sleep(ctx, wait); err != nil {
			return nil, nil, err
		}
	}
}

func (c *client) ask(ctx context.Context, address string) (body []byte, header http.Header, status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, nil, 0, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "mivet")
	switch {
	case c.Token != "" && c.Basic:
		r.SetBasicAuth("", c.Token)
	case c.Token != "":
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	h := c.Client
	if h == nil {
		h = http.DefaultClient
	}
	a, err := h.Do(r)
	if err != nil {
		return nil, nil, 0, fmt.Errorf("asking %s: %w", address, err)
	}
	defer func() { err = errors.Join(err, a.Body.Close()) }()
	if body, err = io.ReadAll(io.LimitReader(a.Body, maxAnswer)); err != nil {
		return nil, nil, 0, fmt.Errorf("reading the answer of %s: %w", address, err)
	}
	return body, a.Header, a.StatusCode, nil
}

// wait says how long to wait before the next try, if that is of use: GitHub refuses with 403
// or 429 and a time, Azure DevOps with 429, and servers that are busy with 5xx
// (docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api;
// learn.microsoft.com/azure/devops/integrate/concepts/rate-limits).
func (c *client) wait(status int, header http.Header, try int) (time.Duration, bool) {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	told := err == nil && seconds >= 0
	spent := header.Get("X-Ratelimit-Remaining") == "0"
	switch {
	case status == http.StatusTooManyRequests, status >= 500, status == http.StatusForbidden && (told || spent):
	default:
		return 0, false
	}
	if told {
		return time.Duration(seconds) * time.Second, true
	}
	if reset, err := strconv.ParseInt(header.Get("X-Ratelimit-Reset"), 10, 64); err == nil && spent && !c.Now.IsZero() {
		return max(time.Unix(reset, 0).Sub(c.Now), time.Second), true
	}
	return time.Second << (try - 1), true
}

// message is what a server says about a refusal, one line of it.
func message(body []byte) string {
	var m struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &m) != nil {
		return ""
	}
	text, _, _ := strings.Cut(m.Message, "\n")
	return text[:min(len(text), 200)]
}
