// SPDX-License-Identifier: Apache-2.0

package recycled_test

import (
	"testing"

	"github.com/mivet/mivet/rules/recycled"
	"github.com/mivet/mivet/vet/vettest"
)

func TestRules(t *testing.T) { vettest.Run(t, recycled.Suite()) }
