//! Payments that the shop's own servers ask for: now, later, held and taken, given back.
//!
//! API Gateway lets only requests through that AWS Signature Version 4 signs, and this function
//! refuses those that did not pass there.

mod answer;
mod app;
mod ask;
mod carry_out;
mod page;

use perennial_http::{ApiError, Handler, Request, Response, Routes, routes};

pub use app::App;

use carry_out::{cancel, capture, increment, refund};

routes! {
    Pay = "POST /payments",
    Show = "GET /payments/{payment}",
    Increment = "POST /payments/{payment}/increment",
    Capture = "POST /payments/{payment}/capture",
    Cancel = "POST /payments/{payment}/cancel",
    Refund = "POST /payments/{payment}/refunds",
    Migrate = "POST /payment-methods/migrate",
    Diagnose = "GET /payment-methods/{payment_method}/diagnosis",
}

impl Handler for App {
    type Route = Route;
    const ROUTES: Routes<Route> = Route::ALL;

    async fn handle(&self, route: Route, request: &Request) -> Result<Response, ApiError> {
        request.check_server()?;
        // None of these is about plans.
        let context = &self.clients.begin_without_plans();
        match route {
            Route::Pay => Box::pin(self.pay(context, request)).await,
            Route::Show => self.show(context, request).await,
            Route::Increment => Box::pin(self.change(context, request, increment)).await,
            Route::Capture => Box::pin(self.change(context, request, capture)).await,
            Route::Cancel => Box::pin(self.change(context, request, cancel)).await,
            Route::Refund => Box::pin(self.change(context, request, refund)).await,
            Route::Migrate => Box::pin(self.migrate(context, request)).await,
            Route::Diagnose => Box::pin(self.diagnose(context, request)).await,
        }
    }
}
