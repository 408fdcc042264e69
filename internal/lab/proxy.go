// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The lab's port speaks two languages: TLS, and that of a proxy (CONNECT). As a proxy it
// leads to itself, so that a program finds https://NAME.vault.azure.net there without a
// name server; every other host is refused, so that nothing of the lab goes astray.

// cloudHosts are the hosts of Azure itself that the lab stands for.
var cloudHosts = []string{"login.microsoftonline.com", "login.windows.net", "management.azure.com", "graph.microsoft.com"}

// leadsHere reports whether a host stands for the lab.
func leadsHere(host string) bool {
	host = strings.ToLower(host)
	return isDataHost(host) || slices.Contains(cloudHosts, host)
}

// twoTongues is a listener that hands on connections with TLS, also those that were asked
// for in the language of a proxy.
type twoTongues struct {
	net.Listener
	ready chan net.Conn
	done  chan struct{}
	once  sync.Once
	err   error // why no more connections come; to be read once done is closed
}

// helloTime is how long a connection may take to say its first words.
const helloTime = 10 * time.Second

func newTwoTongues(l net.Listener) *twoTongues {
	t := &twoTongues{Listener: l, ready: make(chan net.Conn), done: make(chan struct{})}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				t.stop(err)
				return
			}
			go t.greet(c)
		}
	}()
	return t
}

func (t *twoTongues) stop(err error) {
	t.once.Do(func() {
		t.err = err
		close(t.done)
	})
}

// Accept returns the next connection.
func (t *twoTongues) Accept() (net.Conn, error) {
	select {
	case c := <-t.ready:
		return c, nil
	case <-t.done:
		return nil, t.err
	}
}

// Close ends it.
func (t *twoTongues) Close() error {
	t.stop(net.ErrClosed)
	return t.Listener.Close() //nolint:wrapcheck // a listener hands on what the one below says
}

// peeked is a connection of which a part was read.
type peeked struct {
	net.Conn
	r *bufio.Reader
}

// Read reads what was read before first.
func (p *peeked) Read(b []byte) (int, error) {
	return p.r.Read(b) //nolint:wrapcheck // a connection hands on errors as they are
}

// tlsRecord is the first byte of a handshake (RFC 8446, section 5.1).
const tlsRecord = 0x16

// greet finds out which language a connection speaks.
func (t *twoTongues) greet(c net.Conn) {
	p := &peeked{c, bufio.NewReader(c)}
	err := c.SetReadDeadline(time.Now().Add(helloTime))
	var first []byte
	if err == nil {
		first, err = p.r.Peek(1)
	}
	if err == nil && first[0] != tlsRecord {
		err = p.connect()
	}
	if err == nil {
		err = c.SetReadDeadline(time.Time{})
	}
	if err != nil {
		_ = c.Close() // it said nothing that is understood, and has been told so
		return
	}
	select {
	case t.ready <- p:
	case <-t.done:
		_ = c.Close() // the lab ends
	}
}

var errNotHere = errors.New("the host is not one that the lab stands for")

// connect answers CONNECT; an error ends the connection.
func (p *peeked) connect() error {
	// A request line and headers of a proxy are short.
	limited := bufio.NewReader(io.LimitReader(p.r, 16<<10))
	r, err := http.ReadRequest(limited)
	if err != nil {
		return fmt.Errorf("reading a request to the proxy: %w", err)
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	switch {
	case r.Method != http.MethodConnect:
		_, err = io.WriteString(p.Conn, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThe lab speaks HTTPS.\n")
		return errors.Join(errNotHere, err)
	case !leadsHere(host):
		_, err = fmt.Fprintf(p.Conn, "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThe lab does not stand for the host %q.\n", host)
		return errors.Join(errNotHere, err)
	}
	// What the client may have sent already lies in the second reader.
	p.r = bufio.NewReader(io.MultiReader(io.LimitReader(limited, int64(limited.Buffered())), p.r))
	if _, err := io.WriteString(p.Conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return fmt.Errorf("answering a request to the proxy: %w", err)
	}
	return nil
}
