package endpoints

import (
	"bytes"
	"errors"
	"mime"
	"net/http"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/problem"
	"sessiongate/session"
	"sessiongate/web"
)

// others is what the form of the devices page says instead of an id.
const others = "others"

// accountForm is the form of the devices page, for browsers without scripts: end=ID or end=others. It
// asks first, and with confirm=yes it does as it was told. Like the other forms it never ends the
// session it came with: that is logout's, which asks too.
func (s *devices) accountForm(x *exchange.Exchange) error {
	end, sure, err := readEnd(x)
	if err != nil {
		return err
	}
	if !sure {
		return s.confirmEnd(x, end)
	}
	found, err := x.Authenticate(session.ResolveOptions{Touch: true})
	switch {
	case err != nil:
		return err
	case end == string(found.ID()):
		return s.toLogout(x)
	case end == others:
		_, err = s.Terminator.EndAllOwn(x.Request.Context(), found, true, session.LogoutEverywhere, x.Client)
	case session.ValidID(end):
		err = s.Terminator.EndOwn(x.Request.Context(), found, session.ID(end), session.RevokedByUser, x.Client)
	default:
		err = session.ErrNoSession
	}
	if errors.Is(err, session.ErrNoSession) { // it has ended meanwhile; the list shows what there is
		return s.toAccount(x, "")
	}
	if err != nil {
		return err
	}
	if end != others {
		end = "one"
	}
	return s.toAccount(x, "?done="+end)
}

// confirmEnd asks whether to end what the form names, by the name that the list gives it. What is not
// there any more needs no question.
func (s *devices) confirmEnd(x *exchange.Exchange, end string) error {
	found, list, _, err := s.list(x)
	if err != nil {
		return err
	}
	if end == string(found.ID()) {
		return s.toLogout(x)
	}
	account := s.account(x, found, list)
	if end == others && account.Others() == 0 {
		return s.toAccount(x, "")
	}
	var body bytes.Buffer
	asks, err := s.Responder.Edition(x.Request).ConfirmEnd(&body, web.ConfirmPage{Account: account, End: end})
	if err != nil {
		return err
	}
	if !asks {
		return s.toAccount(x, "")
	}
	s.Responder.Send(x, http.StatusOK, s.Pages.CSP(), body.Bytes())
	return nil
}

func (s *devices) toAccount(x *exchange.Exchange, query string) error {
	return x.SeeOther(s.Responder.Along(x.Request, s.Site.Prefix+"/account"+query))
}

func (s *devices) toLogout(x *exchange.Exchange) error {
	return x.SeeOther(s.Responder.Along(x.Request, s.Site.Prefix+"/logout"))
}

// readEnd reads the form strictly: what is said twice could mean either.
func readEnd(x *exchange.Exchange) (end string, sure bool, err error) {
	r := x.Request
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" {
		return "", false, problem.BadRequest("Send application/x-www-form-urlencoded.", nil)
	}
	r.Body = http.MaxBytesReader(x, r.Body, maxLoginBody)
	if err := r.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return "", false, problem.PayloadTooLarge()
		}
		return "", false, problem.BadRequest("The form is malformed.", nil)
	}
	ends, confirm := r.PostForm["end"], r.PostForm["confirm"]
	if len(ends) != 1 || ends[0] == "" || len(confirm) > 1 {
		return "", false, problem.BadRequest("Say once what to end: end=ID or end=others.", nil)
	}
	return ends[0], len(confirm) == 1 && confirm[0] == "yes", nil
}
