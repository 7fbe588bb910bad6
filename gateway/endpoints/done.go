package endpoints

import "sessiongate/gateway/exchange"

// done is where a sign-in leads that began in a window of its own: beside an app that keeps its
// state, or beside a form that waits to be sent.
func (s *documents) done(x *exchange.Exchange) error {
	s.Responder.Done(x)
	return nil
}
