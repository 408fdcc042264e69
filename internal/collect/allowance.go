// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"fmt"
	"sync"
)

// allowance is how many requests a collection in a hurry may send, every try counted.
type allowance struct {
	mu         sync.Mutex
	left, most int
}

// spent is the end of an allowance. Trying again does not help.
type spent struct{ most int }

// Error implements error.
func (e *spent) Error() string {
	return fmt.Sprintf("not asked for: the %d requests of --for are used up", e.most)
}

// NonRetriable ends the tries of azcore.
func (*spent) NonRetriable() {}

// take says before a request whether it may be sent.
func (a *allowance) take(c *call) error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.left > 0 {
		return nil
	}
	err := &spent{a.most}
	return &RequestError{What: c.what, Message: err.Error(), cause: err}
}

// try takes one.
func (a *allowance) try() error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.left <= 0 {
		return &spent{a.most}
	}
	a.left--
	return nil
}
