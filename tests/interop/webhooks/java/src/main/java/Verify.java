import com.standardwebhooks.Webhook;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/** Says of each line (secret, id, timestamp, signature, body in base64) whether it verifies. */
public class Verify {
    public static void main(String[] args) throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null; ) {
            var field = line.split("\t", -1);
            var headers = HttpHeaders.of(Map.of(
                "webhook-id", List.of(field[1]),
                "webhook-timestamp", List.of(field[2]),
                "webhook-signature", List.of(field[3])), (name, value) -> true);
            var body = new String(Base64.getDecoder().decode(field[4]), StandardCharsets.UTF_8);
            try {
                new Webhook(field[0]).verify(body, headers);
                System.out.println("valid");
            } catch (Exception refused) {
                System.out.println("invalid");
            }
        }
    }
}
