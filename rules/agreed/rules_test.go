// SPDX-License-Identifier: Apache-2.0

package agreed_test

import (
	"testing"

	"github.com/mivet/mivet/rules/agreed"
	"github.com/mivet/mivet/vet/vettest"
)

func TestRules(t *testing.T) { vettest.Run(t, agreed.Suite()) }
