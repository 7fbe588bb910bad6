package limits

import "testing"

func fill(c *Capacity, address string) (n int) {
	for c.Enter(address) {
		n++
	}
	return n
}

func TestCapacity(t *testing.T) {
	c := NewCapacity(100)
	if n := fill(c, "greedy"); n != 75 {
		t.Errorf("one address alone holds %d of 100", n)
	}
	if n := fill(c, "second"); n != 25 {
		t.Errorf("a second one finds room for %d", n)
	}
	if c.Enter("third") {
		t.Error("more than all")
	}
	for range 60 {
		c.Leave("greedy")
	}
	if n := fill(c, "third"); n != 25 { // a third of 75
		t.Errorf("the third gets %d", n)
	}
	if n := fill(c, "greedy"); n != 10 {
		t.Errorf("the greedy one gets %d more; its share is 25", n)
	}
	for range 25 {
		c.Leave("greedy")
		c.Leave("second")
		c.Leave("third")
	}
	if c.used.Load() != 0 || c.clients.Load() != 0 {
		t.Errorf("%d held by %d after all have left", c.used.Load(), c.clients.Load())
	}
	if n := testing.AllocsPerRun(100, func() { c.Enter("greedy"); c.Leave("greedy") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	if free := NewCapacity(0); !free.Enter("a") {
		t.Error("0 is no bound")
	}
}
