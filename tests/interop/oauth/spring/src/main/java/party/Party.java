package party;

import static org.springframework.security.config.Customizer.withDefaults;

import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.CsrfConfigurer;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** A web application that shows what Spring Security was told of its user; PORT and others by environment. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@RestController
public class Party {
  public static void main(String[] arguments) {
    SpringApplication.run(Party.class, arguments);
  }

  @Bean
  SecurityFilterChain security(HttpSecurity http, ClientRegistrationRepository clients)
      throws Exception {
    var logout = new OidcClientInitiatedLogoutSuccessHandler(clients);
    logout.setPostLogoutRedirectUri("{baseUrl}/bye");
    return http.authorizeHttpRequests(
            each -> each.requestMatchers("/bye").permitAll().anyRequest().authenticated())
        .oauth2Login(withDefaults())
        .oidcLogout(oidc -> oidc.backChannel(withDefaults()))
        .logout(each -> each.logoutSuccessHandler(logout))
        .csrf(CsrfConfigurer::disable) // so that a link logs out
        .build();
  }

  @GetMapping({"/", "/again"})
  Map<String, Object> user(@AuthenticationPrincipal OidcUser user) {
    return Map.of("sub", user.getSubject(), "email", user.getEmail());
  }

  @GetMapping("/bye")
  String bye() {
    return "bye";
  }
}
